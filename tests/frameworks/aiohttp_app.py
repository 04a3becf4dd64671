"""An aiohttp server, after the simple server of its documentation."""

import sys

from aiohttp import web
from faults import FAULTS


async def handle(request):
    await FAULTS[request.match_info["name"]]()
    return web.Response(text="done")


app = web.Application()
app.add_routes([web.get("/{name}", handle)])

web.run_app(app, host="127.0.0.1", port=int(sys.argv[1]), print=None)
