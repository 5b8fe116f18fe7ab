"""Once: a request that comes twice is worked on once, and an attempt that was overtaken is not worked on at all.

Sexton sends the same `Idempotency-Key` with every attempt of a run, and a `Sexton-Fence` that only grows within a job.
"""

import hashlib
import json
import os
import sqlite3
import time
from contextlib import closing
from typing import Callable

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse, Response

from scheduler import refused

# A request that began so long ago died with its process: longer than your longest pass.
ABANDONED = 15 * 60
# How long an answer is kept: longer than any run is tried for.
KEPT = 7 * 24 * 3600
# For how long a silent job's fence is kept: longer than any request lies frozen somewhere.
FENCED = 90 * 24 * 3600


def database() -> closing[sqlite3.Connection]:
    return closing(sqlite3.connect(os.environ.get("APP_DATABASE", "app.db"), isolation_level=None, timeout=10))


with database() as db:
    db.execute("PRAGMA journal_mode = WAL")
    db.execute(
        "CREATE TABLE IF NOT EXISTS keys"
        " (who TEXT, key TEXT, request TEXT, began REAL, status INT, answer TEXT, PRIMARY KEY (who, key))"
    )
    db.execute("CREATE TABLE IF NOT EXISTS fences (who TEXT, job TEXT, fence INT, seen REAL, PRIMARY KEY (who, job))")


def once(request: Request, who: str, body: bytes, work: Callable[[], dict]) -> Response:
    """The answer of `work`, or the one that it gave before to `who`: another caller's keys are nothing to this one.

    409 while it is at it, 422 when the key comes with another request, 412 when a later attempt of the job was here.
    Ask who may before you call this: a stored answer is given without another check.
    """
    key = request.headers.get("idempotency-key")
    if key is None:
        with database() as db, db:
            db.execute("BEGIN IMMEDIATE")
            take_fence(db, who, request.headers.get("sexton-job"), request.headers.get("sexton-fence"))
        return JSONResponse(work())
    head = f"{request.method} {request.url.path}?{request.url.query}\n"
    asked = hashlib.sha256(head.encode() + body).hexdigest()
    if stored := claim(who, key, asked, request):
        status, answer = stored
        if status >= 400:
            raise refused(status, answer)
        return JSONResponse(answer, status, {"Idempotency-Replayed": "true"})
    status, answer = 500, None
    try:
        status, answer = 200, work()
    except HTTPException as error:
        status, answer = error.status_code, error.detail
        raise
    finally:
        with database() as db:
            if status < 500 and status not in (401, 403, 408, 409, 425, 429):
                kept = (status, json.dumps(answer), who, key)
                db.execute("UPDATE keys SET status = ?, answer = ? WHERE who = ? AND key = ?", kept)
            else:  # nothing is decided by these: the next attempt works
                db.execute("DELETE FROM keys WHERE who = ? AND key = ?", (who, key))
    return JSONResponse(answer)


def claim(who: str, key: str, asked: str, request: Request) -> tuple[int, object] | None:
    """Takes the key and the fence in one transaction; or hands back the stored answer."""
    with database() as db, db:
        db.execute("BEGIN IMMEDIATE")
        take_fence(db, who, request.headers.get("sexton-job"), request.headers.get("sexton-fence"))
        db.execute("DELETE FROM keys WHERE began < ?", (time.time() - KEPT,))
        found = db.execute(
            "SELECT request, began, status, answer FROM keys WHERE who = ? AND key = ?", (who, key)
        ).fetchone()
        if found and found[0] != asked:
            raise refused(422, "this key belongs to another request")
        if found and found[2] is not None:
            return found[2], json.loads(found[3])
        if found and time.time() - found[1] < ABANDONED:
            raise refused(409, "this request is being worked on")
        db.execute("INSERT OR REPLACE INTO keys VALUES (?, ?, ?, ?, NULL, NULL)", (who, key, asked, time.time()))
    return None


def take_fence(db: sqlite3.Connection, who: str, job: str | None, fence: str | None) -> None:
    """A sidecar that was frozen and thawed must not do old work after new."""
    if job is None or fence is None:
        return
    if not (fence.isdecimal() and len(fence) <= 18):
        raise refused(400, "Sexton-Fence is no number")
    db.execute("DELETE FROM fences WHERE seen < ?", (time.time() - FENCED,))
    highest = db.execute("SELECT fence FROM fences WHERE who = ? AND job = ?", (who, job)).fetchone()
    if highest and int(fence) < highest[0]:
        raise refused(412, "a later attempt of this job was here")
    db.execute("INSERT OR REPLACE INTO fences VALUES (?, ?, ?, ?)", (who, job, int(fence), time.time()))
