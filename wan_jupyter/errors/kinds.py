"""What each kind of trouble means for the purse. Floor 0: a table and nothing else.

A protocol's table leads from a service's code to a word of this one; `happened.<word>` and `advice.<word>` in
`messages` say what happened and what to do next. Facts: reference/wire-dashscope.md 2.6, 3.4 and 4.4,
reference/wire-gateways.md 1.5 and 3 (2026-11-21): refused creates and failed tasks are not billed.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NO, MAYBE, YES = "no", "maybe", "yes"


@dataclass(frozen=True, slots=True)
class Advice:
    """What is known of the money when this is what happened.

    Attributes:
        billed: whether the job was billed: "no", "maybe" or "yes".
        unsure: whether it may also answer a create with HTTP 5xx, which proves nothing: the job is uncertain then.
    """

    billed: str
    unsure: bool = False


FREE = Advice(NO)
OPEN = Advice(MAYBE)

ADVICE: Mapping[str, Advice] = MappingProxyType(
    {
        "unknown": OPEN,
        # Model Studio, and gateways in front of it
        "key": FREE,
        "access": FREE,
        "workspace": FREE,
        "address": FREE,
        "free_tier": FREE,
        "billing": FREE,
        "busy": FREE,
        "overloaded": Advice(NO, unsure=True),
        "quota": FREE,
        "model": FREE,
        "parameter": FREE,
        "picture_fetch": FREE,
        "picture": FREE,
        "picture_gone": FREE,
        "too_large": FREE,
        "moderation": FREE,
        "rewrite": Advice(NO, unsure=True),
        "service_trouble": Advice(NO, unsure=True),
        "no_reason": FREE,
        "cannot_stop": Advice(YES),
        "expired": OPEN,
        # gateways; a key's last quota may have gone to this very job, which then cannot be asked after
        "gateway_key": OPEN,
        "gateway_right": FREE,
        "gateway_model": FREE,
        "gateway_quota": FREE,
        "gateway_route": FREE,
        "gateway_trouble": OPEN,
        "gateway_unknown": OPEN,
        "operator": FREE,
        "passed_on": Advice(NO, unsure=True),
        # servers of one's own
        "server_key": FREE,
        "server_parameter": FREE,
        "server_failed": Advice(NO, unsure=True),
        "server_many": FREE,
        "lost": OPEN,
        # what is noticed here, without a code of the service's
        "canceled": FREE,
        "upload": FREE,
        "no_storage": FREE,
        "connection": OPEN,
        "unreadable": OPEN,
        "uncertain": OPEN,
        "recognising": OPEN,
        "no_trace": OPEN,
        "several": OPEN,
        "storage": Advice(YES),
        "stalled": Advice(YES),
    }
)
