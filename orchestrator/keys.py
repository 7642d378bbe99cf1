"""Keys of runs: the machines that have a run's key accept only each other."""

import secrets
from datetime import UTC, datetime, timedelta

SECRET_BYTES = 32
#: The name in every certificate, which machines expect (vm/host/wire/authentication.py).
CERTIFIED_NAME = "vklocks"
#: Clocks of computers differ; a key that is kept may be used again.
VALID_BEFORE, VALID_AFTER = timedelta(days=1), timedelta(days=3650)


def new_secret() -> bytes:
    """Return a key for machines whose network is the computer's own: a secret of random bytes."""
    return secrets.token_hex(SECRET_BYTES).encode()


def new_certificate() -> bytes:
    """Return a key with which machines also encrypt: a certificate and its private key, in PEM."""
    # Imported late: only these keys need the library.
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.x509.oid import NameOID

    private = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, CERTIFIED_NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(private.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - VALID_BEFORE)
        .not_valid_after(now + VALID_AFTER)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(CERTIFIED_NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(private, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    return certificate.public_bytes(pem) + private.private_bytes(
        pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
