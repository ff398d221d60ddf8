"""Bedrock's two lists of what may be called by name, told as one: foundation models, then inference profiles.

https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListFoundationModels.html and
https://docs.aws.amazon.com/bedrock/latest/APIReference/API_ListInferenceProfiles.html
"""

from collections.abc import Collection
from dataclasses import dataclass

from aignehub.v1.model_service_pb2 import Model

from server.errors import HubError, ProviderBadResponse, ProviderCredentialInvalid, ProviderUnavailable
from server.wire import json_value as json
from server.wire.bedrock.errors import read_error
from server.wire.http import HttpRequest, HttpResponse, path_segment
from server.wire.json_value import Object
from server.wire.model_lists import ModelPage, fields
from server.wire.provider_errors import error_in

_MODELS = "/foundation-models"
_PROFILES = "/inference-profiles?maxResults=1000"
_DENIED = "AccessDeniedException"
_MAKES = {"TEXT": fields.CHAT, "IMAGE": fields.IMAGE, "EMBEDDING": fields.EMBEDDING}
_READS = {"TEXT": "text", "IMAGE": "image", "VIDEO": "video", "SPEECH": "speech", "AUDIO": "audio"}
# A model without either is called through an inference profile, or by capacity that was bought.
_BY_ITS_OWN_NAME = "ON_DEMAND"


@dataclass(frozen=True, slots=True)
class BedrockModelList:
    """See ModelListCodec."""

    whole: bool = False
    """Imported models, prompts' routers and bought capacity have ARNs and lists of their own."""
    changes: bool = False

    def missing(self, _model: str, _listed: Collection[str]) -> str:
        """See ModelListCodec.missing."""
        return ""

    def encode(self) -> HttpRequest:
        """See ModelListCodec.encode."""
        return HttpRequest(path=_MODELS, method="GET")

    def decode(self, response: HttpResponse) -> ModelPage:
        """See ModelListCodec.decode."""
        body = json.obj(json.parse(response.body))
        if "modelSummaries" in body:
            told = [_model(entry) for entry in json.objects(body["modelSummaries"])]
            then = _PROFILES
        elif "inferenceProfileSummaries" in body:
            told = [_profile(entry) for entry in json.objects(body["inferenceProfileSummaries"])]
            token = json.text(body.get("nextToken"))
            then = f"{_PROFILES}&nextToken={path_segment(token)}" if token else ""
        else:
            raise error_in(body) or ProviderBadResponse("the provider's list of models is not JSON of a known form")
        models = tuple(model for model in told if model is not None and model.id)
        return ModelPage(models, HttpRequest(path=then, method="GET") if then else None)

    def detailed(self, _response: HttpResponse, model: Model) -> Model:
        """See ModelListCodec.detailed."""
        return model

    def decode_error(self, response: HttpResponse) -> HubError:
        """See ModelListCodec.decode_error. A key may call models and yet not be allowed to list them."""
        error = read_error(response)
        if error.metadata.get("providerCode") == _DENIED and isinstance(error, ProviderCredentialInvalid):
            return ProviderUnavailable(
                "the key may not list models; allow it bedrock:ListFoundationModels and bedrock:ListInferenceProfiles, "
                "or set models.ask_providers: false",
                metadata=error.metadata,
            )
        return error


def _model(entry: Object) -> Model | None:
    """None for a model that cannot be called by its id."""
    ways = json.items(entry.get("inferenceTypesSupported"))
    if ways and _BY_ITS_OWN_NAME not in ways:
        return None
    made = list(filter(None, map(json.text, json.items(entry.get("outputModalities")))))
    reads = [_READS[one] for one in map(json.text, json.items(entry.get("inputModalities"))) if one in _READS]
    model = Model(
        id=json.text(entry.get("modelId")),
        display_name=json.text(entry.get("modelName")),
        capabilities=[_MAKES[one] for one in made if one in _MAKES],
        input_modalities=fields.modalities(reads),
        shutdown_time=fields.iso_time(json.obj(entry.get("modelLifecycle")).get("endOfLifeTime")),
    )
    if made and not model.capabilities:
        model.capabilities.append(fields.OTHER)
    return model


def _profile(entry: Object) -> Model | None:
    """None for one that is not in use."""
    if json.text(entry.get("status")) not in ("", "ACTIVE"):
        return None
    return Model(
        id=json.text(entry.get("inferenceProfileId")), display_name=json.text(entry.get("inferenceProfileName"))
    )
