"""aignehub.v1.ModelService: the models the caller's key may use."""

from aignehub.v1 import model_service_pb2 as pb
from aignehub.v1.model_service_pb2_grpc import ModelServiceServicer
from aignehub.v1.usage_pb2 import MODALITY_AUDIO, MODALITY_EMBEDDING, MODALITY_IMAGE, MODALITY_TEXT
from typing_extensions import override

from server.errors import InvalidArgument, ModelNotAllowed
from server.routing.catalogue import Candidate
from server.services.frame import Context, Frame, caller_rights
from server.services.validation import validate

_PAGE_SIZE = 100
_CAPABILITIES = {
    "chat": pb.MODEL_CAPABILITY_CHAT,
    "embedding": pb.MODEL_CAPABILITY_EMBEDDING,
    "image": pb.MODEL_CAPABILITY_IMAGE,
    "transcription": pb.MODEL_CAPABILITY_TRANSCRIPTION,
    "speech": pb.MODEL_CAPABILITY_SPEECH,
    "tools": pb.MODEL_CAPABILITY_TOOLS,
    "json_schema": pb.MODEL_CAPABILITY_JSON_SCHEMA,
    "reasoning": pb.MODEL_CAPABILITY_REASONING,
    "live_transcription": pb.MODEL_CAPABILITY_LIVE_TRANSCRIPTION,
    "image_edit": pb.MODEL_CAPABILITY_IMAGE_EDIT,
}


class ModelService(ModelServiceServicer):
    """Lists what is configured; a provider that lets any name through is listed as ``provider/*``."""

    def __init__(self, frame: Frame) -> None:
        self._frame = frame

    @override
    async def ListModels(self, request: pb.ListModelsRequest, context: Context) -> pb.ListModelsResponse:
        validate(request)
        wanted = set(request.capabilities)
        models = [
            model
            for model in map(_model, self._frame.catalogue.listed(caller_rights()))
            if request.provider in ("", model.provider) and wanted <= set(model.capabilities)
        ]
        begin = _offset(request.page_token)
        end = begin + (request.page_size or _PAGE_SIZE)
        return pb.ListModelsResponse(models=models[begin:end], next_page_token=str(end) if end < len(models) else "")

    @override
    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        validate(request)
        rights = caller_rights()
        candidates = self._frame.catalogue.candidates(request.model)
        for candidate in candidates:
            if rights.allows_model(candidate.id):
                return pb.GetModelResponse(model=_model(candidate))
        raise ModelNotAllowed(
            f"this key may not use {candidates[0].id}; ask the operator to add it to the key's allowed_models"
        )


def _offset(token: str) -> int:
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) <= 9):
        raise InvalidArgument.field("page_token", "is not one of this method's; take next_page_token as it is")
    return int(token)


_OUTPUTS = {
    "chat": MODALITY_TEXT,
    "embedding": MODALITY_EMBEDDING,
    "image": MODALITY_IMAGE,
    "transcription": MODALITY_TEXT,
    "speech": MODALITY_AUDIO,
}
_READ_IMAGES = {"vision", "image_edit"}


def _model(candidate: Candidate) -> pb.Model:
    listed = candidate.listed
    capabilities = listed.capabilities if listed else ("chat",)
    inputs = [MODALITY_TEXT, MODALITY_IMAGE] if _READ_IMAGES & set(capabilities) else [MODALITY_TEXT]
    outputs = [modality for name, modality in _OUTPUTS.items() if name in capabilities]
    return pb.Model(
        id=candidate.id,
        aliases=listed.aliases if listed else (),
        provider=candidate.provider.name,
        display_name=(listed.display_name if listed else "") or candidate.model,
        capabilities=[_CAPABILITIES[name] for name in capabilities if name in _CAPABILITIES],
        input_modalities=([MODALITY_AUDIO] if "transcription" in capabilities else inputs) if listed else [],
        output_modalities=outputs if listed else [],
    )
