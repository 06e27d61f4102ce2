"""Certificates for a local exchange: an authority of its own, made anew for each folder, and what it signs."""

from __future__ import annotations

import ipaddress
import os
import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cryptotrader.errors import ConfigurationError

AUTHORITY_FILE = "ca.pem"
_KEY_FILE, _CERTIFICATE_FILE = "server-key.pem", "server.pem"
_LIFE = timedelta(days=30)
_SLACK = timedelta(hours=1)  # clocks differ


def server_context(
    folder: Path, host: str, *, not_before: datetime | None = None, life: timedelta = _LIFE
) -> ssl.SSLContext:
    """TLS for a server at ``host``; clients trust it by the file ``ca.pem`` in the folder.

    Each call makes a new authority and a new certificate; keys of the authority are not kept.

    Args:
        folder: Where the files go; made when it is not there.
        host: Name or address that the certificate is for; loopback addresses stand for one another.
        not_before: Begin of the certificate's life; an hour ago by default.
        life: Length of its life.

    Raises:
        ConfigurationError: The files cannot be written.
    """
    begin = not_before or datetime.now(UTC) - _SLACK
    authority_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    authority = _authority(authority_key, begin, life)
    certificate = _certificate(authority, authority_key, key.public_key(), host)
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / AUTHORITY_FILE).write_bytes(authority.public_bytes(serialization.Encoding.PEM))
        (folder / _CERTIFICATE_FILE).write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        with os.fdopen(os.open(folder / _KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(private)
    except OSError as error:
        raise ConfigurationError(f"tls: cannot write to {folder}: {error.strerror}") from error
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / _CERTIFICATE_FILE, folder / _KEY_FILE)
    return context


def _authority(key: ec.EllipticCurvePrivateKey, begin: datetime, life: timedelta) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cryptotrader local exchange authority")])
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    return (
        _builder(name, name, key.public_key(), begin, begin + life)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _certificate(
    authority: x509.Certificate,
    authority_key: ec.EllipticCurvePrivateKey,
    key: ec.EllipticCurvePublicKey,
    host: str,
) -> x509.Certificate:
    begin, end = authority.not_valid_before_utc, authority.not_valid_after_utc
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cryptotrader local exchange")])
    return (
        _builder(name, authority.subject, key, begin, end)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(_names(host)), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(authority_key.public_key()), critical=False)
        .sign(authority_key, hashes.SHA256())
    )


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, begin: datetime, end: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(begin)
        .not_valid_after(end)
    )


def _names(host: str) -> list[x509.GeneralName]:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return [x509.DNSName(host)]
    if not (address.is_loopback or address.is_unspecified):
        return [x509.IPAddress(address)]
    loopback = [ipaddress.ip_address(text) for text in ("127.0.0.1", "::1")]
    return [x509.DNSName("localhost"), *(x509.IPAddress(each) for each in loopback)]
