"""The listener's certificate, read again when its files change."""

import grpc
import structlog

from server.config.settings import TlsSettings
from server.errors import ConfigError

_log = structlog.get_logger("hub")


def server_credentials(settings: TlsSettings) -> grpc.ServerCredentials:
    """Credentials that follow the files: connections opened after a renewal get the new certificate.

    Raises ConfigError where the files cannot be read at start. Later a file that cannot be read leaves the
    last good certificate in place and says so in the log.
    """
    certificate = _Certificate(settings)
    # The stubs do not know that the fetcher may return None, which keeps what is there.
    return grpc.dynamic_ssl_server_credentials(certificate.configuration(), certificate.renewed)  # type: ignore[arg-type]


class _Certificate:
    def __init__(self, settings: TlsSettings) -> None:
        self._settings = settings
        self._stamp = self._changed_at()

    def configuration(self) -> grpc.ServerCertificateConfiguration:
        try:
            key = self._settings.key_file.read_bytes()
            chain = self._settings.cert_file.read_bytes()
        except OSError as error:
            raise ConfigError(f"tls: cannot read {error.filename}: {error.strerror}; check the path") from None
        if b"PRIVATE KEY" not in key:
            raise ConfigError(f"tls.key_file: {self._settings.key_file} is not a PEM private key")
        if b"BEGIN CERTIFICATE" not in chain:
            raise ConfigError(f"tls.cert_file: {self._settings.cert_file} is not a PEM certificate")
        return grpc.ssl_server_certificate_configuration([(key, chain)])

    def renewed(self) -> grpc.ServerCertificateConfiguration | None:
        """Asked by gRPC at every handshake; None keeps what is there."""
        stamp = self._changed_at()
        if stamp == self._stamp:
            return None
        self._stamp = stamp
        try:
            return self.configuration()
        except ConfigError as error:
            _log.error("certificate not renewed; the last good one stays", problem=str(error))
            return None

    def _changed_at(self) -> tuple[int, ...]:
        try:
            return tuple(path.stat().st_mtime_ns for path in (self._settings.cert_file, self._settings.key_file))
        except OSError:
            return ()
