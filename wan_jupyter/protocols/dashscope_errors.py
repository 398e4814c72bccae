"""Error codes of Alibaba Cloud Model Studio, which gateways in front of it pass on.

Source: https://help.aliyun.com/zh/model-studio/error-code, read 2026-11-21. Failed tasks and refused requests are not
billed. The second value says whether sending the same request again may help.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

STUDIO: Mapping[str, tuple[str, bool]] = MappingProxyType(
    {
        "InvalidApiKey": ("key", False),
        "invalid_api_key": ("key", False),
        "NOT AUTHORIZED": ("key", False),
        "AccessDenied": ("access", False),
        "Model.AccessDenied": ("access", False),
        "Workspace.AccessDenied": ("access", False),
        "Endpoint.AccessDenied": ("access", False),
        "WorkSpaceNotFound": ("workspace", False),
        "AllocationQuota.FreeTierOnly": ("free_tier", False),
        "Arrearage": ("billing", False),
        "CommodityNotPurchased": ("billing", False),
        "PrepaidBillOverdue": ("billing", False),
        "PostpaidBillOverdue": ("billing", False),
        "Throttling": ("busy", True),
        "Throttling.AllocationQuota": ("quota", False),
        "ModelNotFound": ("model", False),
        "Model.NotExist": ("model", False),
        "NotFound": ("address", False),
        "InvalidParameter": ("parameter", False),
        "InvalidParameter.DataInspection": ("picture_fetch", False),
        "invalid_parameter_error": ("picture_fetch", False),
        "InternalError.Algo.InvalidParameter": ("picture_fetch", False),
        "InvalidURL": ("picture_fetch", False),
        "InvalidURL.ConnectionRefused": ("picture_fetch", True),
        "InvalidURL.Timeout": ("picture_fetch", True),
        "InvalidImage": ("picture", False),
        "InvalidImageResolution": ("picture", False),
        "InvalidImageFormat": ("picture", False),
        "InvalidFile": ("picture", False),
        "BadRequest": ("parameter", False),
        "BadRequest.TooLarge": ("too_large", False),
        "BadRequest.InputDownloadFailed": ("picture_fetch", False),
        "DataInspectionFailed": ("moderation", False),
        "IPInfringementSuspect": ("moderation", False),
        "UnsupportedOperation": ("cannot_stop", False),
        "InternalError": ("service_trouble", True),
        "InternalError.Timeout": ("service_trouble", True),
        "SystemError": ("service_trouble", True),
        "ModelServiceFailed": ("service_trouble", True),
        "RequestTimeOut": ("service_trouble", True),
        "GatewayTimeout": ("service_trouble", True),
        "RewriteFailed": ("rewrite", True),
        "ModelServingError": ("overloaded", True),
        "ModelUnavailable": ("overloaded", True),
        "ServiceUnavailable": ("overloaded", True),
    }
)
