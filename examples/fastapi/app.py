"""An app that Sexton calls: `uvicorn app:app`. Its admin checks and its audit log know nothing of a scheduler."""

import threading
from typing import Annotated

from fastapi import Depends, FastAPI, Request
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from once import database, once
from scheduler import Principal, admin, person, principal, refused

app = FastAPI()
syncing = threading.Lock()

with database() as db:
    db.execute("CREATE TABLE IF NOT EXISTS audit (at TEXT DEFAULT CURRENT_TIMESTAMP, user TEXT, action TEXT, request TEXT)")


async def body(request: Request) -> bytes:
    return await request.body()


@app.post("/api/sync")
def sync(
    request: Request, who: Annotated[Principal, Depends(admin("sync:run"))], sent: Annotated[bytes, Depends(body)]
) -> Response:
    def work() -> dict:
        # Sexton takes 409 for "it is at it already": the run is skipped, and not failed.
        if not syncing.acquire(blocking=False):
            raise refused(409, "a sync is under way")
        try:
            return {"number": record(who, "sync", request)}  # your work goes here
        finally:
            syncing.release()

    return once(request, who.email, sent, work)


@app.get("/api/audit")
def audit(who: Annotated[Principal, Depends(admin("audit:read"))]) -> list[dict]:
    with database() as db:
        rows = db.execute("SELECT at, user, action, request FROM audit ORDER BY rowid DESC LIMIT 1000")
        return [dict(zip(("at", "user", "action", "request"), row)) for row in rows]


def record(who: Principal, action: str, request: Request) -> int:
    """Writes down who did it; hands back its number. `X-Request-ID` is in Sexton's log too."""
    with database() as db:
        row = (who.email, action, request.headers.get("x-request-id"))
        return db.execute("INSERT INTO audit (user, action, request) VALUES (?, ?, ?)", row).lastrowid


@app.get("/api/auth/me")
def me(who: Annotated[Principal, Depends(principal)]) -> dict:
    """What `whoami` in jobs.toml asks: a dead credential is found at the start, and not at 03:00."""
    return {"email": who.email, "kind": who.kind, "groups": sorted(who.groups)}


@app.post("/api/auth/tokens")
def make_token(who: Annotated[Principal, Depends(person)]) -> dict:
    raise refused(501, "where your people make their access tokens")


@app.get("/api/health")
def health() -> dict:
    return {"status": "ok"}


@app.exception_handler(HTTPException)
def problem(request: Request, error: HTTPException) -> JSONResponse:
    """RFC 9457, as Sexton's own listener answers."""
    content = {"type": "about:blank", "status": error.status_code, "detail": error.detail}
    return JSONResponse(content, error.status_code, error.headers, media_type="application/problem+json")
