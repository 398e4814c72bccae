"""Whether a kind of trouble costs money.

Each protocol maps a service's codes to the keys of `ADVICE`; the messages `happened.<key>` and `advice.<key>` say what
happened and what to do next. Refused creates and failed tasks are not billed: Alibaba Cloud Model Studio, API reference
of image-to-video (https://www.alibabacloud.com/help/en/model-studio/image-to-video-general-api-reference) and codes
(https://help.aliyun.com/zh/model-studio/error-code). For gateways: new-api's source of December 2025 to August 2026
(https://github.com/QuantumNous/new-api). All read 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

NO, MAYBE, YES = "no", "maybe", "yes"


@dataclass(frozen=True, slots=True)
class Advice:
    """What is known about the bill.

    Attributes:
        billed: whether the job was billed: "no", "maybe" or "yes".
        unsure: whether it also comes with HTTP 5xx for a create; that proves nothing, so the job is uncertain.
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
        # gateways; this very job may have used up the key's quota, and cannot be queried then
        "gateway_key": OPEN,
        "gateway_right": FREE,
        "gateway_model": FREE,
        "gateway_quota": FREE,
        "gateway_route": FREE,
        "gateway_trouble": OPEN,
        "gateway_unknown": OPEN,
        "operator": FREE,
        "passed_on": Advice(NO, unsure=True),
        # self-hosted servers
        "server_key": FREE,
        "server_parameter": FREE,
        "server_failed": Advice(NO, unsure=True),
        "server_many": FREE,
        "lost": OPEN,
        # noticed by this package, without a code from the service
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
