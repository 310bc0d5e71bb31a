"""What the stories share: people who come to a started server through its public API, and what they hold of it."""

import asyncio
import json
from collections.abc import Callable, Iterable
from typing import Any

import httpx
from websockets.asyncio.client import ClientConnection, connect

from tests.client import event_of
from tests.replica import FRAGMENT, KINDS, ROW, FeedKind

DEADLINE = 20.0
PROTOCOL = "graphql-transport-ws"
