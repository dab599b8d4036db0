"""What is sent goes out before the next event, and after the disk has it."""

import asyncio
from types import SimpleNamespace

from hookline.clock import EventClock
from hookline.session.streaming import StreamDriver


class Sending:
    """A broker whose requests go out in a task that begins another, as an HTTP client's do."""

    is_live = True

    def __init__(self):
        self.wanted, self.log, self.tasks = [], [], []

    @property
    def has_requests(self):
        return bool(self.wanted)

    def flush(self):
        for number in self.wanted:
            self.tasks.append(asyncio.ensure_future(self._send(number)))
        self.wanted = []

    async def _send(self, number):
        await asyncio.ensure_future(self._write(number))

    async def _write(self, number):
        self.log.append(f"sent {number}")


class Driver(StreamDriver):
    def take(self, event):
        broker = self._kernel.broker
        broker.log.append(f"event {event}")
        if event % 3 == 0:
            broker.wanted.append(event)


def test_a_request_goes_out_before_the_next_of_the_events_that_wait():
    broker = Sending()
    driver = Driver(
        SimpleNamespace(broker=broker, clock=EventClock(), markets={}), "1m", {}, lambda time: None
    )

    async def events():
        for number in range(1, 6):
            yield number

    async def run():
        async with asyncio.timeout(5):
            await driver.run(events())

    asyncio.run(run())

    assert broker.log == ["event 1", "event 2", "event 3", "sent 3", "event 4", "event 5"]
