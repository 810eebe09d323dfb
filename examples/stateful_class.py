"""An agent as a class: ``voicelive-agent dev examples.stateful_class:OrderDesk``.

What all callers share is in the object: made in ``start``, ended in ``stop``. What belongs to one
caller is in ``turn.state``, which is stored with the conversation.
"""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from voicelive_agent import ClientEvent, EndCall, Turn

MENU = {"soup": 9, "risotto": 21, "salmon": 29, "pie": 8}


class OrderDesk:
    async def start(self) -> None:
        """Before the first turn: open connections, load what takes long."""
        self.orders: asyncio.Queue[dict[str, int]] = asyncio.Queue()
        self.kitchen = asyncio.create_task(self.cook())

    async def stop(self) -> None:
        """After the last turn."""
        self.kitchen.cancel()

    async def cook(self) -> None:
        while True:
            await self.orders.get()

    async def reply(self, turn: Turn) -> AsyncIterator[str | ClientEvent | EndCall]:
        basket = turn.state.setdefault("basket", {})
        words = turn.text.lower().split()
        if turn.kind == "greeting":
            yield f"Hello! We have {', '.join(MENU)}. What would you like?"
        elif wanted := [dish for dish in MENU if dish in words]:
            for dish in wanted:
                basket[dish] = basket.get(dish, 0) + 1
            yield f"One {' and one '.join(wanted)}. "
            yield show_basket(basket)
            yield "Anything else?"
        elif basket:
            await self.orders.put(basket)
            yield f"That is {sum(MENU[dish] * count for dish, count in basket.items())} dollars. "
            yield "Goodbye!"
            yield EndCall()
        else:
            yield "I have not understood. What would you like?"


def show_basket(basket: dict[str, Any]) -> ClientEvent:
    return ClientEvent(
        "ui.card", title="Your order", lines=[f"{n} × {d}" for d, n in basket.items()]
    )
