"""What kind of resource an object is, what belongs to it, and which loop it is of: read, never called."""

from __future__ import annotations

import asyncio
import inspect
import re
import socket
import subprocess
import weakref
from asyncio import base_subprocess, sslproto
from typing import Any

from asyncwatch.hooks.loops import loop_kind

# uvloop's handles have no other sign than their names. What it makes for itself is nobody's to close.
# https://github.com/MagicStack/uvloop/tree/v0.21.0/uvloop/handles
_UVLOOP = re.compile(r"unclosed (?:resource|transport) <(?:uvloop\.loop\.)?(\w+)")
_UVLOOP_KINDS = {
    "TCPServer": "server",
    "UnixServer": "server",
    "UVProcessTransport": "process",
    "UVProcess": "process",
    "TCPTransport": "transport",
    "UnixTransport": "transport",
    "UDPTransport": "transport",
    "ReadUnixTransport": "transport",
    "WriteUnixTransport": "transport",
    "_SSLProtocolTransport": "transport",
}
# In the order in which they are asked.
_TYPES: tuple[tuple[Any, str], ...] = (
    (asyncio.AbstractEventLoop, "loop"),
    (asyncio.AbstractServer, "server"),
    (asyncio.SubprocessTransport, "process"),
    (asyncio.BaseTransport, "transport"),
    (sslproto._SSLProtocolTransport, "transport"),
    (asyncio.StreamWriter, "stream"),
    (socket.socket, "socket"),
    (subprocess.Popen, "process"),
)
# Whether these are an asyncio program's business depends on who has them.
ANYBODYS = (socket.socket, subprocess.Popen)
_CLOSERS = ("close", "aclose", "disconnect")


def kind_of(thing: Any) -> str:
    """The kind of resource in a word; empty for what no asyncio program has to close."""
    cls = type(thing)
    for one, kind in _TYPES:
        if issubclass(cls, one):
            return kind
    if isinstance(read(thing, "_loop"), asyncio.AbstractEventLoop):
        return _word(cls)
    if any(inspect.iscoroutinefunction(getattr(cls, name, None)) for name in _CLOSERS):
        return _word(cls)
    return ""


def kind_in(text: str) -> tuple[str, str]:
    """The kind and class of what warns by its words alone; empty words when it is none of ours."""
    match = _UVLOOP.match(text)
    kind = _UVLOOP_KINDS.get(match[1], "") if match else ""
    return (kind, f"uvloop.{match[1]}") if match and kind else ("", "")


def _word(cls: type) -> str:
    """A library's own class, by what it calls itself: a session, a connection, a connector."""
    words = re.findall(r"[A-Z][a-z]+", cls.__name__)
    return words[-1].lower() if words else "resource"


def name_of(thing: Any) -> str:
    """Its class as findings name it."""
    cls = type(thing)
    return (
        loop_kind(thing)
        if isinstance(thing, asyncio.AbstractEventLoop)
        else f"{cls.__module__}.{cls.__qualname__}"[:200]
    )


def loop_of(thing: Any) -> Any:
    """The loop it is, or belongs to."""
    loop = thing if isinstance(thing, asyncio.AbstractEventLoop) else read(thing, "_loop")
    return loop if isinstance(loop, asyncio.AbstractEventLoop) else None


def whole(thing: Any) -> Any:
    """The process whose pipe it is, or writes to, else the thing itself."""
    transport = thing.transport if isinstance(thing, asyncio.StreamWriter) else thing
    protocol = read(transport, "_protocol")
    is_pipe = isinstance(protocol, base_subprocess.WriteSubprocessPipeProto)
    process = read(protocol, "proc") if is_pipe else None
    return process if process is not None else thing


def parts(thing: Any) -> list[Any]:
    """What is closed with it, or is the same thing seen from another side."""
    if isinstance(thing, base_subprocess.BaseSubprocessTransport):
        pipes = [read(one, "pipe") for one in thing._pipes.values()]
        found = [thing._proc, *pipes, *(read(pipe, "_pipe") for pipe in pipes)]
    elif isinstance(thing, asyncio.AbstractServer):
        found = list(read(thing, "_sockets") or ())
    else:
        found = [read(thing, "_transport"), read(read(thing, "_ssl_protocol"), "_transport")]
        protocol = read(thing, "_protocol")
        if isinstance(protocol, sslproto.SSLProtocol):
            found.append(read(protocol, "_app_transport"))
    return [one for one in found if one is not None]


def serves(thing: Any) -> str:
    """The program's own protocol or handler behind a transport or stream; empty where there is none."""
    protocol = read(thing, "_protocol")
    named = read(protocol, "_client_connected_cb") or type(protocol)
    module, name = getattr(named, "__module__", None), getattr(named, "__qualname__", None)
    if protocol is None or not isinstance(module, str) or not isinstance(name, str) or module.startswith("asyncio."):
        return ""
    return f"{module}.{name}"[:200]


def read(thing: Any, name: str) -> Any:
    """An attribute, None where there is none; a library's class may have any idea of what that means."""
    try:
        return getattr(thing, name, None)
    except Exception:
        return None


def reference(thing: Any) -> weakref.ref[Any] | None:
    """A weak reference, to what has room for one."""
    try:
        return weakref.ref(thing)
    except TypeError:
        return None
