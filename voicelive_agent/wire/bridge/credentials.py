"""Names of credentials, which a Bridge session's ``caller`` must not have at any depth.

The rule is that of azure-ai-agentserver-invocations 1.2.0: ``token_count``, ``secretary_name`` and
``KANSAS`` are no credentials; ``PasswordCount``, ``XAPITOKEN`` and ``SASURL`` are.
"""

import re
from typing import Any, Final

_WORDS: Final = re.compile(
    r"(?:^|_)(?:"
    r"authorization(?:_header)?|credentials?|password|passwd|pwd|secret(?:_value)?|api_(?:key|token)|"
    r"(?:auth|bearer|refresh|id)_token|access_(?:key|token)|client_(?:assertion|secret)|private_key|"
    r"connection_string|sas(?:_token|_url)?|(?:account|subscription)_key|"
    r"shared_access_(?:key|signature)"
    r")(?:_|$)"
)
_ANYWHERE: Final = (
    "accesskey",
    "accesstoken",
    "accountkey",
    "apikey",
    "apitoken",
    "authorization",
    "authtoken",
    "bearertoken",
    "clientassertion",
    "clientsecret",
    "connectionstring",
    "credential",
    "idtoken",
    "password",
    "passwd",
    "privatekey",
    "refreshtoken",
    "sastoken",
    "sasurl",
    "secretvalue",
    "sharedaccesskey",
    "sharedaccesssignature",
    "subscriptionkey",
)
_AT_THE_END: Final = ("secret",)
_WHOLE: Final = frozenset({"azurepwd", "azuresas", "pwd", "sas"})


def find_credential(value: Any) -> str | None:
    """The first key that names a credential, in nested objects and lists too."""
    pending = [value]
    while pending:
        current = pending.pop()
        if isinstance(current, dict):
            for key in current:
                if _names_credential(key):
                    return str(key)
            pending += current.values()
        elif isinstance(current, list):
            pending += current
    return None


def _names_credential(key: str) -> bool:
    words = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", key)
    words = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", words).casefold()
    words = re.sub(r"[^a-z0-9]+", "_", words).strip("_")
    compact = words.replace("_", "")
    return (
        _WORDS.search(words) is not None
        or compact in _WHOLE
        or compact.endswith(_AT_THE_END)
        or any(name in compact for name in _ANYWHERE)
    )
