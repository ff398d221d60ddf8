"""CountTokens: https://docs.aws.amazon.com/bedrock/latest/userguide/count-tokens.html."""

import orjson
from aignehub.v1.chat_service_pb2 import CountTokensResponse, CreateChatCompletionRequest

from server.errors import HubError, UnsupportedByProvider
from server.wire import json_value as json
from server.wire.bedrock.draft import PROVIDER
from server.wire.bedrock.encode import drafted
from server.wire.bedrock.errors import read_error
from server.wire.bedrock.families import family_of, foundation_model
from server.wire.chat.counting import told_count
from server.wire.http import HttpRequest, HttpResponse, path_segment

_COUNTED = ("messages", "system", "toolConfig", "additionalModelRequestFields")
_HEADERS = {"Content-Type": "application/json", "Accept": "application/json"}
_CANNOT = "support counting tokens"


class BedrockCountCodec:
    """See CountCodec. Claude's tokens alone are counted, by the model's own id: profiles of regions are refused."""

    def encode(self, request: CreateChatCompletionRequest, model: str) -> HttpRequest:
        """See CountCodec.encode."""
        if family_of(model).claude is None:
            raise UnsupportedByProvider.of("model", f"{PROVIDER} counts the tokens of Claude models alone")
        body = drafted(request, model, stream=False).body
        counted = {name: body[name] for name in _COUNTED if name in body}
        path = f"/model/{path_segment(foundation_model(model))}/count-tokens"
        return HttpRequest(path, orjson.dumps({"input": {"converse": counted}}), _HEADERS)

    def decode(self, response: HttpResponse, model: str) -> CountTokensResponse:
        """See CountCodec.decode."""
        told = told_count(json.obj(json.parse(response.body)).get("inputTokens"))
        return CountTokensResponse(input_tokens=told, model=model)

    def decode_error(self, response: HttpResponse) -> HubError:
        """See CountCodec.decode_error."""
        error = read_error(response)
        if response.status == 400 and _CANNOT in error.message:
            return UnsupportedByProvider.of("model", f"{PROVIDER} does not count this model's tokens")
        return error
