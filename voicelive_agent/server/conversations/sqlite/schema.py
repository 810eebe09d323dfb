"""The tables of the SQLite store, how an older file becomes a newer one, and whether all can be
written."""

import sqlite3
import time
from pathlib import Path
from shutil import disk_usage

from voicelive_agent.server.conversations.store import StoreError

_FIRST = """
CREATE TABLE conversations (
    id INTEGER PRIMARY KEY,
    user_id TEXT NOT NULL,
    session_id TEXT NOT NULL,
    state TEXT NOT NULL DEFAULT '{}',
    language TEXT NOT NULL DEFAULT '',
    updated_at REAL NOT NULL,
    UNIQUE (user_id, session_id)
);
CREATE INDEX conversations_by_age ON conversations (updated_at);
CREATE TABLE turns (
    id INTEGER PRIMARY KEY,
    conversation INTEGER NOT NULL REFERENCES conversations (id),
    sequence INTEGER NOT NULL,
    invocation_id TEXT NOT NULL,
    owner TEXT,
    stop_reason TEXT,
    record TEXT NOT NULL,
    UNIQUE (conversation, sequence)
);
CREATE INDEX turns_by_invocation ON turns (invocation_id);
CREATE INDEX turns_running ON turns (owner, conversation) WHERE owner IS NOT NULL;
"""
# ``owner`` names the process that runs a turn, and is NULL once the turn is settled.

_SIZES = """
ALTER TABLE turns ADD COLUMN events TEXT;
ALTER TABLE turns ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
ALTER TABLE conversations ADD COLUMN size INTEGER NOT NULL DEFAULT 0;
UPDATE turns SET size = length(CAST(record AS BLOB));
UPDATE conversations SET size =
    (SELECT coalesce(sum(size), 0) FROM turns WHERE conversation = conversations.id);
CREATE TABLE users (
    user_id TEXT PRIMARY KEY,
    conversations INTEGER NOT NULL,
    size INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO users SELECT user_id, count(*), sum(size) FROM conversations GROUP BY user_id;
CREATE INDEX users_by_size ON users (size);
CREATE INDEX users_by_conversations ON users (conversations);
CREATE INDEX conversations_of_user ON conversations (user_id, updated_at);
CREATE TRIGGER turn_added AFTER INSERT ON turns BEGIN
    UPDATE conversations SET size = size + NEW.size WHERE id = NEW.conversation; END;
CREATE TRIGGER turn_changed AFTER UPDATE OF size ON turns BEGIN
    UPDATE conversations SET size = size + NEW.size - OLD.size WHERE id = NEW.conversation; END;
CREATE TRIGGER turn_removed AFTER DELETE ON turns BEGIN
    UPDATE conversations SET size = size - OLD.size WHERE id = OLD.conversation; END;
CREATE TRIGGER conversation_added AFTER INSERT ON conversations BEGIN
    INSERT INTO users VALUES (NEW.user_id, 1, NEW.size) ON CONFLICT (user_id) DO UPDATE
    SET conversations = conversations + 1, size = size + excluded.size; END;
CREATE TRIGGER conversation_changed AFTER UPDATE OF size ON conversations BEGIN
    UPDATE users SET size = size + NEW.size - OLD.size WHERE user_id = NEW.user_id; END;
CREATE TRIGGER conversation_removed AFTER DELETE ON conversations BEGIN
    UPDATE users SET conversations = conversations - 1, size = size - OLD.size
    WHERE user_id = OLD.user_id; DELETE FROM users
    WHERE user_id = OLD.user_id AND conversations = 0; END;
"""
# ``size`` is in bytes, of a turn's record and events; conversations and users have the sums.

MIGRATIONS: tuple[str, ...] = (_FIRST, _SIZES)
"""Script n makes version n + 1 (``PRAGMA user_version``) out of version n. Only append."""

_WAL_ATTEMPTS = 20
_WAL_PAUSE_SECONDS = 0.05
_LEAST_FREE_BYTES = 1 << 20

# Through every table and index that a turn goes through. A session's id is never empty.
_PROBE = (
    "INSERT INTO conversations (user_id, session_id, updated_at) VALUES ('', '', 0)",
    "INSERT INTO turns (conversation, sequence, invocation_id, owner, record)"
    " SELECT id, 1, '', '', '' FROM conversations WHERE user_id = '' AND session_id = ''",
    "SELECT record FROM turns WHERE invocation_id = '' ORDER BY id DESC LIMIT 1",
    "SELECT record FROM turns ORDER BY id DESC LIMIT 20",
    "UPDATE turns SET record = ' ', size = 1, owner = NULL WHERE owner = ''",
)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Set the connection up and bring the file to the newest version.

    Raises StoreError for a file of a newer version or of another program.
    """
    # Must come before the first table; lets retention give space back in small steps.
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    _enter_wal_mode(connection)
    connection.execute("PRAGMA synchronous = NORMAL")
    # Removed speech is overwritten, not just unlinked.
    connection.execute("PRAGMA secure_delete = ON")
    # A container's /tmp may be read-only, and speech has no business there.
    connection.execute("PRAGMA temp_store = MEMORY")
    if _read_version(connection) == len(MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        for script in MIGRATIONS[_check_version(connection, path) :]:
            for statement in script.split(";\n"):
                connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _check_version(connection: sqlite3.Connection, path: Path) -> int:
    version = _read_version(connection)
    if version > len(MIGRATIONS):
        raise StoreError(
            f"{path} was written by a newer version of this program "
            f"(format {version}, known up to {len(MIGRATIONS)}): upgrade, or name another "
            "file with VOICELIVE_CONVERSATIONS=sqlite:///absolute/path"
        )
    if version == 0 and connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        raise StoreError(
            f"{path} is another program's database: name another file with "
            "VOICELIVE_CONVERSATIONS=sqlite:///absolute/path"
        )
    return version


def _enter_wal_mode(connection: sqlite3.Connection) -> None:
    # SQLite's own busy timeout does not cover a change of the journal mode.
    for attempt in range(_WAL_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            busy = error.sqlite_errorname.startswith("SQLITE_BUSY")
            if not busy or attempt == _WAL_ATTEMPTS - 1:
                raise
            time.sleep(_WAL_PAUSE_SECONDS)
        else:
            return


def _read_version(connection: sqlite3.Connection) -> int:
    version: int = connection.execute("PRAGMA user_version").fetchone()[0]
    return version


def probe(connection: sqlite3.Connection, path: Path) -> None:
    """Do what a turn does, and undo it. Raises StoreError or sqlite3.Error where that fails."""
    # SQLite may still find room for one page when the disk is full.
    if disk_usage(path.parent).free < _LEAST_FREE_BYTES:
        raise StoreError(f"the disk that holds {path} is full: free some space")
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute("SAVEPOINT probe")
    for statement in _PROBE:
        connection.execute(statement).fetchall()
    connection.execute("ROLLBACK TO probe")
    connection.execute("RELEASE probe")
