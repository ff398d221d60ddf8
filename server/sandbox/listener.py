"""Starting and stopping the sandbox."""

from ipaddress import ip_address

from aiohttp import web

from server.errors import FailedPrecondition, InvalidArgument, Unavailable
from server.sandbox.routes import application

_LAST_WAIT = 0.1  # seconds for cancelled requests to unwind; stop() waits twice that at most
_KEEPALIVE = 75.0  # seconds an idle connection is kept, longer than clients keep theirs


class Sandbox:
    """The sandbox as a server on loopback. One object serves once at a time; it may be started again."""

    def __init__(self) -> None:
        self._runner: web.AppRunner | None = None

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> str:
        """Serves, and returns the base URL, such as http://127.0.0.1:40123/v1. Port 0 takes a free one.

        Raises InvalidArgument for a host beyond loopback (it asks for no key), FailedPrecondition where it serves
        already, Unavailable where the port cannot be had.
        """
        if self._runner is not None:
            raise FailedPrecondition("the sandbox is serving already; stop it first")
        host = _loopback(host)
        # Without handler_cancellation a request would outlive its client: hang for ever, story to its end.
        runner = web.AppRunner(
            application(),
            access_log=None,
            handler_cancellation=True,
            keepalive_timeout=_KEEPALIVE,
            shutdown_timeout=_LAST_WAIT,
        )
        await runner.setup()
        try:
            await web.TCPSite(runner, host, port).start()
        except (OSError, OverflowError):
            await runner.cleanup()
            raise Unavailable(f"the sandbox cannot listen on {host} port {port}; choose another, or 0") from None
        self._runner = runner
        bound = runner.addresses[0][1]
        return f"http://[{host}]:{bound}/v1" if ":" in host else f"http://{host}:{bound}/v1"

    async def stop(self) -> None:
        """Closes the listener and every connection; requests under way end at once. Harmless when not serving."""
        runner, self._runner = self._runner, None
        if runner is None:
            return
        for site in runner.sites:
            await site.stop()
        server = runner.server
        for connection in server.connections if server is not None else ():
            if connection.transport is not None:
                connection.transport.abort()
        await runner.cleanup()


def _loopback(host: str) -> str:
    # A name could resolve to two addresses, and so to two ports.
    literal = "127.0.0.1" if host == "localhost" else host.strip("[]")
    try:
        if ip_address(literal).is_loopback:
            return literal
    except ValueError:
        pass
    raise InvalidArgument.field("host", "the sandbox serves loopback only; use 127.0.0.1, ::1 or localhost")
