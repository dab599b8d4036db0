"""The venue of a soak, in a process of its own: it cuts every socket once a minute of its time, and tells its truth at the end."""

from __future__ import annotations

import asyncio
import json
import sys

from hookline_lmex.emulator import Emulator
from hookline_lmex.emulator.config import default_config

_MINUTE = 60.0


async def _cut(venue: Emulator, speed: float) -> None:
    while True:
        await asyncio.sleep(_MINUTE / speed)
        venue.sockets.cut_all()


async def main(speed: float) -> None:
    """Serve until a line comes on the standard input, stop cutting then, and tell the truth when another one comes."""
    read = sys.stdin.readline
    loop = asyncio.get_running_loop()
    async with Emulator(default_config(port=0, speed=speed)) as venue:
        account = venue.config.accounts[0]
        print(json.dumps([venue.rest_url, venue.socket_url, account.key, account.secret]), flush=True)
        cutting = asyncio.create_task(_cut(venue, speed))
        await loop.run_in_executor(None, read)
        cutting.cancel()
        await asyncio.gather(cutting, return_exceptions=True)
        truth = venue.exchange.truth(account.label)
        said = {
            "fills": [[one.symbol, one.side, one.size, one.price] for one in truth.fills],
            "open_orders": [one.client_order_id for one in truth.open_orders],
            "positions": dict(truth.positions),
        }
        print(json.dumps(said), flush=True)


if __name__ == "__main__":
    asyncio.run(main(float(sys.argv[1])))
