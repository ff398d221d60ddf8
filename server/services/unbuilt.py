"""What the contract promises and this release does not serve yet: refused by name, never ignored."""

from aignehub.v1.options_pb2 import GatewayOptions
from google.protobuf.descriptor import ServiceDescriptor

from server.errors import Unimplemented
from server.methods import MethodHandler, refuse

_OPTIONS = ("use_cache", "max_cost_nano_usd", "provider_headers")


def refuse_unbuilt_options(options: GatewayOptions) -> None:
    """Raises Unimplemented naming the first option whose feature is not there yet."""
    for field, _value in options.ListFields():
        if field.name in _OPTIONS:
            raise Unimplemented.field(f"gateway.{field.name}")


def unbuilt_methods(service: ServiceDescriptor) -> dict[str, MethodHandler]:
    """Every method of a service, each answering UNIMPLEMENTED before its request is read."""
    return {
        method.name: refuse(
            Unimplemented(
                f"{service.full_name}/{method.name} is not served by this release",
                metadata={"method": f"{service.full_name}/{method.name}"},
            )
        )
        for method in service.methods
    }
