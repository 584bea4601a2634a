"""`POST /-/reload`: who may cause a reload over HTTP, and what they are answered."""

import asyncio
from collections.abc import Awaitable, Callable
from concurrent.futures import Future

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from exporter.config.settings import Web

Reload = Callable[[], "Future[str | None]"]
"""Asks for a reload that begins after the call; the future has the line why it was rejected, None when it was not."""

_PLAIN = {"X-Content-Type-Options": "nosniff"}


def reload_endpoint(reload: Reload, web: Web) -> Callable[[Request], Awaitable[Response]]:
    """The handler of POST and PUT."""

    async def endpoint(request: Request) -> Response:
        if not web.enable_lifecycle:
            return PlainTextResponse("reload over HTTP is off; start with --web.enable-lifecycle\n", 403, _PLAIN)
        if from_browser(request.headers):
            return PlainTextResponse("reload is not for web pages; use a command such as curl\n", 403, _PLAIN)
        rejected = await asyncio.wrap_future(reload())
        if rejected is not None:
            return PlainTextResponse(f"reload rejected: {rejected}\n", 500, _PLAIN)
        return PlainTextResponse("reloaded\n", headers=_PLAIN)

    return endpoint


def from_browser(headers: Headers) -> bool:
    """Whether a browser sent it for a page.

    Browsers tell the origin with every POST and PUT, and no page can keep them from it. Even the exporter's own origin
    is none to trust: a name that an attacker lets point here has it, too.
    """
    return "Origin" in headers or any(name.lower().startswith("sec-fetch-") for name in headers)
