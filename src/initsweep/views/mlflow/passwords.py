"""Keeps passwords and tokens out of everything that is shown, however a URI carries them."""

import os
import re
from urllib.parse import unquote

HIDDEN = "***"
_PARTS = re.compile(r"([\w+.-]+:/*)(.*)@(.*)", re.DOTALL)
_LOGIN = re.compile(r"(?<!sqlite)(://)\S*@")  # a password may hold an @ or a /, a file's path too
_OPTION = re.compile(
    r"([?&;][^=&;\s]*(?:pass|pwd|token|secret|key|auth|odbc_connect)[^=&;\s]*=)[^&;\s'\"]+",
    re.IGNORECASE,
)
_VARIABLE = re.compile(r"(PASSWORD|TOKEN|SECRET|ACCESS_KEY)$")
_SHORTEST = 4  # characters of a secret that can be told from an ordinary word


def hide(uri: str, login: str = HIDDEN, secret: str = HIDDEN) -> str:
    """Return a URI without what gives access.

    Args:
        uri: One URI, nothing around it.
        login: What to show before the @ in place of user and password.
        secret: What to show in place of the values of options such as `password`.
    """
    start, user, rest = _parted(uri)
    shown = f"{start}{login}@{rest}" if user else uri
    return _OPTION.sub(lambda found: f"{found[1]}{secret}", shown)


def holds_password(uri: str) -> bool:
    """Return whether a URI has a password in it, rather than a name or nothing."""
    _, user, _ = _parted(uri)
    return bool(user.partition(":")[2] or _OPTION.search(uri))


def hide_all(text: str, uri: str) -> str:
    """Return what somebody else said, without the secrets of a URI, of others and of the variables.

    Args:
        text: Such as an error of a driver.
        uri: The one that was in use.
    """
    _, user, rest = _parted(uri)
    password = user.partition(":")[2]
    of_variables = [value for name, value in os.environ.items() if _VARIABLE.search(name)]
    for secret in (user, password, unquote(password), *of_variables):
        if len(secret) >= _SHORTEST:
            text = text.replace(secret, HIDDEN)
    host = re.split(r"[/?#]", rest)[0]
    if user and host:
        # A driver that stumbles over an @ or a / in the password shows the rest of it.
        text = re.sub(rf"[^\s/'\"]*@(?={re.escape(host)})", f"{HIDDEN}@", text)
        for piece in filter(None, re.split(r"[@/?#:]", password)):
            text = text.replace(f"'{piece}'", f"'{HIDDEN}'")
    text = _LOGIN.sub(rf"\1{HIDDEN}@", text)
    return _OPTION.sub(rf"\1{HIDDEN}", text)


def _parted(uri: str) -> tuple[str, str, str]:
    """Return the URI's start, user and password if there are any, and the rest."""
    found = _PARTS.fullmatch(uri)
    if found is None or uri.startswith("sqlite"):
        return uri, "", ""
    return found[1], found[2], found[3]
