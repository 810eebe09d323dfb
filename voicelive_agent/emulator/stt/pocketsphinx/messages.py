"""What the emulator and its recogniser processes write to each other: kind, size and body.

==============  =================================  =============================
to a process    ``B`` begin: JSON of ``Begin``     ``B``
\\               ``A`` audio                        ``P`` the text so far
\\               ``E`` end                          ``F`` JSON of a result
\\               ``D`` discard                      ``D``
from a process  ``R`` ready, once
to the loader   one byte and a socket              the new process's id
==============  =================================  =============================
"""

import struct
from typing import TypedDict

HEAD = struct.Struct("<cI")
PROCESS_ID = struct.Struct("<I")


class Begin(TypedDict):
    cmn: str | None
    phrases: list[str]


def pack(kind: bytes, body: bytes = b"") -> bytes:
    return HEAD.pack(kind, len(body)) + body
