import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from server.cli.connection import Address, Key, Target
from server.cli.explain import explain_call, explain_status
from tests.unit.cli.stand_in import FULL_REFUSAL, info, told

HERE = Target(Address("127.0.0.1:1", local=True), None, tls=False)


def call(code: grpc.StatusCode, details: str, *trailing: tuple[str, str | bytes]) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(code, grpc.aio.Metadata(), grpc.aio.Metadata(*trailing), details)


def test_every_detail_is_told_in_one_line_without_control_characters() -> None:
    assert explain_status(FULL_REFUSAL) == (
        "the provider's rate[31m limit is reached (PROVIDER_RATE_LIMITED); model: choose another; 60 calls a minute; "
        "try again in 3 s; raise it: https://example.com/limits; request req-7"
    )


def test_what_the_message_says_already_is_not_said_twice() -> None:
    violation = error_details_pb2.BadRequest.FieldViolation(field="temperature", description="must be at most 2")
    wrong = error_details_pb2.BadRequest(field_violations=[violation])
    status = told(grpc.StatusCode.INVALID_ARGUMENT, "temperature: must be at most 2", info("REQUEST_INVALID"), wrong)
    assert explain_status(status) == "temperature: must be at most 2 (REQUEST_INVALID)"


def test_without_details_the_code_is_the_reason() -> None:
    assert explain_call(call(grpc.StatusCode.INTERNAL, "odd\nthing"), HERE) == "odd thing (INTERNAL)"
    assert explain_status(status_pb2.Status(code=99)) == "the call failed (code 99)"


def test_details_that_are_garbage_are_no_details() -> None:
    error = call(grpc.StatusCode.NOT_FOUND, "gone", ("grpc-status-details-bin", b"\xff\xff\xff"))
    assert explain_call(error, HERE) == "gone (NOT_FOUND)"


def test_an_unauthenticated_call_says_where_its_key_came_from() -> None:
    error = call(grpc.StatusCode.UNAUTHENTICATED, "no")
    assert "set HUB_API_KEY" in explain_call(error, HERE)
    keyed = Target(HERE.address, Key("sss", "my.key"), tls=False)
    line = explain_call(error, keyed)
    assert "my.key" in line
    assert "sss" not in line


@pytest.mark.parametrize(
    ("text", "remedy"),
    [
        ("connect: Connection refused (111)", "hub serve"),
        ("DNS resolution failed for x", "check the address"),
        ("certificate verify failed: CERTIFICATE_VERIFY_FAILED", "--ca-file"),
        ("Socket closed", "--tls"),
        ("something new", "something new"),
    ],
)
def test_a_connection_that_failed_says_how_to_mend_it(text: str, remedy: str) -> None:
    line = explain_call(call(grpc.StatusCode.UNAVAILABLE, text), HERE)
    assert "127.0.0.1:1" in line
    assert remedy in line
