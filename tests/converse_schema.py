"""botocore's own model of Bedrock's API as a judge: of requests that are sent, and of answers that are read."""

import base64
import json
from functools import cache
from typing import Any

import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.validate

_BYTES = frozenset({"bytes", "redactedContent"})


@cache
def service() -> Any:
    """The API as AWS publishes it."""
    return botocore.model.ServiceModel(botocore.loaders.Loader().load_service_model("bedrock-runtime", "service-2"))


def complaints(operation: str, body: Any, model: str = "model") -> str:
    """What botocore's ParamValidator says against a JSON body; empty where it says nothing."""
    shape = service().operation_model(operation).input_shape
    report = botocore.validate.ParamValidator().validate({"modelId": model, **with_bytes(body)}, shape)
    unknown = sorted(_unknown(body, shape, ""))
    return "\n".join(filter(None, (report.generate_report(), *unknown)))


def parsed(operation: str, body: bytes, status: int = 200) -> Any:
    """What botocore reads in an answer."""
    parser = botocore.parsers.create_parser("rest-json")
    shape = service().operation_model(operation).output_shape
    return parser.parse({"headers": {}, "body": body, "status_code": status}, shape)


def with_bytes(value: Any) -> Any:
    """The value with base64 as the bytes that it stands for, as botocore is given them."""
    if isinstance(value, dict):
        return {
            key: base64.b64decode(inner, validate=True)
            if key in _BYTES and isinstance(inner, str)
            else with_bytes(inner)
            for key, inner in value.items()
        }
    return [with_bytes(inner) for inner in value] if isinstance(value, list) else value


def _unknown(value: Any, shape: Any, path: str) -> list[str]:
    """Fields that the API does not have: botocore's own client leaves them out, its validator says nothing."""
    if getattr(shape, "is_document_type", False):
        json.dumps(value)
        return []
    if shape.type_name == "structure" and isinstance(value, dict):
        found = [f"{path}.{name} is no field" for name in value if name not in shape.members]
        for name, inner in value.items():
            if name in shape.members:
                found += _unknown(inner, shape.members[name], f"{path}.{name}")
        return found
    if shape.type_name == "list" and isinstance(value, list):
        return [line for at, inner in enumerate(value) for line in _unknown(inner, shape.member, f"{path}[{at}]")]
    return []
