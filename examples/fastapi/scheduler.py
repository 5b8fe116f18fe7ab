"""Who is calling: resolves what Sexton shows to the synthetic admin `scheduler@system.local`.

Two credentials do that: the shared secret, and a run token, which is a JWT that the sidecar minted for one run. Either is
taken from the Authorization header and from nowhere else. Both files are read again while the app runs, so that a
rotation restarts nothing.
"""

import hmac
import logging
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Callable

import jwt
from fastapi import Depends, HTTPException, Request

log = logging.getLogger("uvicorn.error")

ISSUER = os.environ.get("SEXTON_ISSUER", "https://cron.example.org")  # `issuer` in jobs.toml
AUDIENCE = os.environ.get("SEXTON_AUDIENCE", "app")  # this app's `audience` in jobs.toml
CLAIMS = ["iss", "aud", "sub", "iat", "nbf", "exp", "jti", "scope", "token_class", "job", "run_id"]

PLACEHOLDERS = b"""changeme change-me change_me placeholder replaceme replace-me replace_me
                  yoursecret your-secret your_secret example"""


def usable(source: str, text: bytes) -> bytes:
    """The rules of Sexton's own loader. A complaint says the length and never the value."""
    secret = text.strip()
    if len(secret) < 32:
        raise ValueError(f"{source} has {len(secret)} characters, at least 32 are needed")
    if not all(0x21 <= byte <= 0x7E for byte in secret):
        raise ValueError(f"{source} ({len(secret)} characters) holds something else than visible ASCII")
    if len(set(secret)) == 1 or any(word in secret.lower() for word in PLACEHOLDERS.split()):
        raise ValueError(f"{source} ({len(secret)} characters) is a placeholder")
    return secret


def accepted_secrets() -> list[bytes]:
    """The variable, or each line of the file, and the one before a rotation. None of them: the path is off."""
    value, file, previous = (
        os.environ.get(f"SCHEDULER_API_TOKEN{more}", "").strip() for more in ("", "_FILE", "_PREVIOUS")
    )
    lines = [value.encode()] if value else Path(file).read_bytes().splitlines() if file else []
    # One bad line refuses the file, or a rotation could half fail unseen.
    secrets = [usable("SCHEDULER_API_TOKEN or its file", line) for line in lines if line.strip()]
    if not secrets:
        raise ValueError("no secret is set")
    return secrets + ([usable("SCHEDULER_API_TOKEN_PREVIOUS", previous.encode())] if previous else [])


def pinned_keys() -> dict[str, jwt.PyJWK]:
    """The public keys that `sexton secret ensure --ed25519 KEY` wrote to KEY.jwks, by their id."""
    file = os.environ.get("SEXTON_JWKS_FILE")
    return {key.key_id: key for key in jwt.PyJWKSet.from_json(Path(file).read_text()).keys} if file else {}


class Fresh:
    """What a file holds, read at most once a second. What turns bad leaves the last good one in force."""

    def __init__(self, read: Callable[[], Any], nothing: Any):
        self.read, self.value, self.at, self.trouble = read, nothing, float("-inf"), ""
        self.now()

    def now(self) -> Any:
        if time.monotonic() - self.at >= 1:
            self.at, trouble = time.monotonic(), ""
            try:
                self.value = self.read()
            except (OSError, ValueError, jwt.PyJWTError) as error:
                trouble = str(error)
            if trouble and trouble != self.trouble:
                log.warning("what the scheduler is known by cannot be used: %s", trouble)
            self.trouble = trouble
        return self.value


SECRETS = Fresh(accepted_secrets, [])
KEYS = Fresh(pinned_keys, {})


@dataclass(frozen=True)
class Principal:
    """Somebody that the app knows. `kind` says how; checks look at it and never guess from the rest."""

    kind: str  # "service": by the shared secret; "run": by a token for one run; your people are another kind
    email: str
    groups: frozenset[str]
    scopes: frozenset[str] = frozenset()
    bound: tuple[str, str, str] | None = None  # job, run and fence that a token is for


def principal(request: Request) -> Principal:
    """Whoever is there, or 401."""
    headers = request.headers.getlist("authorization")
    parts = headers[0].split() if len(headers) == 1 else []
    if len(parts) != 2 or parts[0].lower() != "bearer":
        raise refused(401, "a bearer token is needed")
    # The secret first: it is no token, and nothing should try to read it as one.
    return scheduler("service") if is_shared_secret(parts[1]) else by_run_token(parts[1])
    # Your own sessions and access tokens go here.


def scheduler(kind: str, **more: Any) -> Principal:
    return Principal(kind, "scheduler@system.local", frozenset({"Admin"}), **more)


def is_shared_secret(token: str) -> bool:
    """Compares bytes, in constant time, with every secret whatever it finds. Headers come as Latin-1."""
    found = [hmac.compare_digest(secret, token.encode("latin-1")) for secret in SECRETS.now()]
    return any(found)


def by_run_token(token: str) -> Principal:
    """Verified by the pinned key that it names, by EdDSA only, and with every claim there."""
    try:
        key = KEYS.now()[jwt.get_unverified_header(token)["kid"]]
        options = {"require": CLAIMS}
        claims = jwt.decode(token, key, algorithms=["EdDSA"], issuer=ISSUER, audience=AUDIENCE, options=options)
        if claims["token_class"] != "run":
            raise ValueError("another class of token")
        # Only who asks whom the app takes it for (`whoami`) has none.
        if "fence" not in claims and claims["job"] != "_whoami":
            raise ValueError("no fence")
    # Whatever a stranger's token does to the reader, the answer is the same.
    except (jwt.PyJWTError, KeyError, ValueError, TypeError, RecursionError) as error:
        log.info("a token is refused: %s", type(error).__name__)
        raise refused(401, "the token is not known here") from None
    bound = (str(claims["job"]), str(claims["run_id"]), str(claims.get("fence", "")))
    return scheduler("run", scopes=frozenset(str(claims["scope"]).split()), bound=bound)


def admin(scope: str) -> Callable[..., Principal]:
    """Lets admins in. A run token needs the scope as well, and is good for its own run only."""

    def check(request: Request, who: Annotated[Principal, Depends(principal)]) -> Principal:
        if "Admin" not in who.groups:
            raise refused(403, "only for admins")
        if who.kind == "run":
            if scope not in who.scopes:
                raise refused(403, f"the token lacks the scope {scope}")
            said = tuple(request.headers.get(f"sexton-{name}", "") for name in ("job", "run", "fence"))
            # The key is the run's id: another one could fetch another run's answer.
            key = request.headers.get("idempotency-key", who.bound[1]).strip('"')
            if said != who.bound or key != who.bound[1]:
                raise refused(403, "the token belongs to another run")
        return who

    return check


def person(who: Annotated[Principal, Depends(principal)]) -> Principal:
    """The scheduler cannot log in, hold a session, or make tokens that outlive it."""
    if who.kind in ("service", "run"):
        raise refused(403, "only for people")
    return who


def refused(status: int, why: str) -> HTTPException:
    return HTTPException(status, why, {"WWW-Authenticate": "Bearer"} if status == 401 else None)
