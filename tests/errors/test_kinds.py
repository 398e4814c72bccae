"""Every code in the services' documents leads to advice that is meant for it, and to the truth about the money."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from wan_jupyter.errors.kinds import ADVICE
from wan_jupyter.protocols import dashscope_errors, new_api, openai_videos
from wan_jupyter.protocols.responses import advise

# wire-dashscope.md 3.4: code to HTTP status and whether the document has sending it again be sensible.
STUDIO: Mapping[str, tuple[int, bool]] = {
    "InvalidParameter": (400, False),
    "InvalidParameter.DataInspection": (400, False),
    "InvalidURL": (400, False),
    "InvalidURL.ConnectionRefused": (400, True),
    "InvalidURL.Timeout": (400, True),
    "InvalidImage.FileFormat": (400, False),
    "InvalidImage.ImageSize": (400, False),
    "InvalidImageResolution": (400, False),
    "InvalidImageFormat": (400, False),
    **{
        f"InvalidFile.{what}": (400, False)
        for what in ("Size", "Duration", "Resolution", "FPS", "AspectRatio", "Openerror", "Format")
    },
    **{
        f"BadRequest.{what}": (400, False)
        for what in ("EmptyInput", "EmptyParameters", "EmptyModel", "IllegalInput", "InputDownloadFailed", "TooLarge")
    },
    "DataInspectionFailed": (400, False),
    "IPInfringementSuspect": (400, False),
    "Arrearage": (400, False),
    "UnsupportedOperation": (400, False),
    "invalid_parameter_error": (400, False),
    "InternalError.Algo.InvalidParameter": (400, False),
    "InvalidApiKey": (401, False),
    "NOT AUTHORIZED": (401, False),
    "AccessDenied": (403, False),
    "AccessDenied.Unpurchased": (403, False),
    "Model.AccessDenied": (403, False),
    "Workspace.AccessDenied": (403, False),
    "Endpoint.AccessDenied": (403, False),
    "AllocationQuota.FreeTierOnly": (403, False),
    "ModelNotFound": (404, False),
    "Model.NotExist": (404, False),
    "WorkSpaceNotFound": (404, False),
    "NotFound": (404, False),
    "Throttling": (429, True),
    "Throttling.RateQuota": (429, True),
    "Throttling.BurstRate": (429, True),
    "Throttling.AllocationQuota": (429, False),
    "CommodityNotPurchased": (429, False),
    "PrepaidBillOverdue": (429, False),
    "PostpaidBillOverdue": (429, False),
    "InternalError": (500, True),
    "InternalError.FileUpload": (500, True),
    "InternalError.Upload": (500, True),
    "InternalError.Algo": (500, True),
    "InternalError.Timeout": (500, True),
    "SystemError": (500, True),
    "ModelServiceFailed": (500, True),
    "RequestTimeOut": (500, True),
    "RewriteFailed": (500, True),
    "ModelServingError": (503, True),
    "ModelUnavailable": (503, True),
    "ServiceUnavailable": (503, True),
    "GatewayTimeout": (504, True),
}
# wire-gateways.md 1.5: the gateway's own codes, with their HTTP status.
GATEWAY: Mapping[str, int] = {
    "model_not_found": 503,
    "model_price_error": 400,
    "quota_not_enough": 403,
    "insufficient_user_quota": 403,
    "pre_consume_token_quota_failed": 403,
    "unmarshal_task_request_failed": 400,
    "invalid_json": 400,
    "invalid_request": 400,
    "invalid_seconds": 400,
    "convert_to_ali_request_failed": 500,
    "build_request_failed": 500,
    "fail_to_fetch_task": 500,
    "ali_api_error": 200,
    "do_request_failed": 500,
    "unmarshal_response_body_failed": 500,
    "invalid_response": 500,
    "task_not_exist": 400,
    "read_request_body_failed": 413,
    "invalid_request_error": 404,
    "new_api_panic": 500,
}
STATUSES = (400, 401, 403, 404, 429, 500, 502, 503, 504)


@pytest.mark.parametrize("code", STUDIO)
def test_every_code_of_model_studio_has_its_advice(code: str) -> None:
    """One that says by itself whether trying again helps, as the document does."""
    advice, again = advise(dashscope_errors.STUDIO, code)
    assert (advice != "unknown", again) == (True, STUDIO[code][1])


@pytest.mark.parametrize("code", STUDIO)
def test_a_code_that_may_come_with_a_5xx_never_promises_that_a_submit_was_free(code: str) -> None:
    """Model Studio has no idempotency key: after such an answer the task may exist."""
    http, row = STUDIO[code][0], ADVICE[advise(dashscope_errors.STUDIO, code)[0]]
    assert row.unsure == (http >= 500)


@pytest.mark.parametrize("code", GATEWAY)
def test_every_code_of_a_gateway_has_its_advice(code: str) -> None:
    """Of its own table; a 5xx is free only where the gateway's source shows that nothing was created."""
    row = ADVICE[new_api.OWN[code][0]]
    if GATEWAY[code] >= 500 and code not in new_api.CREATED_NOTHING:
        assert (row.billed, row.unsure) in {("maybe", False), ("no", True)}


@pytest.mark.parametrize("http", STATUSES)
@pytest.mark.parametrize("table", [new_api.ERRORS, openai_videos.ERRORS], ids=["gateways", "servers"])
def test_an_answer_without_a_code_has_its_advice(table: Mapping[str, tuple[str, bool]], http: int) -> None:
    """By its HTTP status."""
    assert advise(table, "", http, "http ")[0] != "unknown"


def test_the_words_for_money_are_three() -> None:
    """The table of errors in the documentation and `error.billed` use the same."""
    assert {row.billed for row in ADVICE.values()} == {"no", "maybe", "yes"}
