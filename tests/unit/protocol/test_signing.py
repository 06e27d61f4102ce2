from __future__ import annotations

import json
from decimal import Decimal

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key, load_pem_public_key
from hypothesis import given
from hypothesis import strategies as st

from cryptotrader.errors import RequestInvalid
from cryptotrader.protocol.signing import (
    hmac_of,
    sign_ed25519,
    sign_hmac,
    sign_rsa,
    signature_payload,
    verify_ed25519,
    verify_hmac,
    verify_rsa,
    window_on_wire,
)

# Signed by OpenSSL 3.0.19: dgst -hmac, dgst -sign and pkeyutl -sign -rawin
PARAMS = {
    "timestamp": 1700000000000,
    "symbol": "币安人生USDT",
    "price": "0.10",
    "quantity": Decimal("1.00000000"),
    "flag": True,
    "limit": 5,
    "symbols": ["A", "B"],
    "text": "a=b&c d",
    "signature": "is never signed",
    "apiKey": "OWN-KEY",
}
PAYLOAD = 'apiKey=OWN-KEY&flag=true&limit=5&price=0.10&quantity=1.00000000&symbol=币安人生USDT&symbols=["A","B"]&text=a=b&c d&timestamp=1700000000000'
HMAC_SECRET = "own-secret-of-these-tests"
HMAC_SIGNATURE = "9123a30737ff74a02a92cb7bc86ea53900147cc692fac85cf8dd6e2be7f4b5d3"
ED25519 = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
ED25519_SIGNATURE = "l2ipId2b7RQPSqz7eHkyabWIJn85u+pURtiGWKNcKwuT/UoJnCxyQaWCA5/LGreYQ6SUix5J8KieujhINhsSAg=="
RSA_PUBLIC = b"""-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAw1hfcSvEcNNZBASNaTlU
q3e1g84TcOYsrwo/n5azis9JPqxGyQmsDsToC6eFwFgYPtJrM7r1cp84Xy2cunfy
YcdfVs5udDX3nvt7m8ESZPcgPYT9aG/TPc87pHnmltW6j3Jn0SnlM7l9+NiqSbgW
8uASkpI+e4wd18wiNSj6rludjTToc/7yNOaQRF7NftCj1pwZj8AsGNYTLd7/7gkY
HF53MbFxEQDg1qlx7KepgYYD7tpVb4dz1IqQgtgoYh9N6K59tA5g1p0zPEKFL6+Q
i2GkiJwvcchp10zSAxi+BeS0Hkdb2nRsgvxdUCK+chJbGfKXSEeRB3HzbS+i9VqD
7wIDAQAB
-----END PUBLIC KEY-----
"""
RSA_SIGNATURE = "WOxyHfsTi1H0Tfw0yCPrUKJy5JNCW8nwuheG5F1kf5/PPVrR+1V4jPZHMGwUz+k/gSyNr7cZXASSYDLzabissAJ9C53Hv7CEHDCq/xR9e3U9Mllgu0bY7OFhd7jtWotg5Dy2K79c18zeLBtNZFZgqSUS3u5WZBD44efkQie3l1ARuJOCxZLJY+NxSqsi9msvG16g/71xYM5EtIQut//K6j90O8Q79ZUyVsYXrTYLrdNAGZFVtEPEeV8rSLfww0HI6D4nsMVObUGxyiVepATzimdvP8GeysiVLxCFDAr8hWQ3XVg8iw4F0JS86b9Eg8vrdXOksR84U2RhI8PNe/S9wA=="


@pytest.fixture(scope="module")
def rsa_key():
    return rsa.generate_private_key(65537, 2048)


def test_the_payload_is_sorted_and_as_sent():
    assert signature_payload(PARAMS) == PAYLOAD


def test_the_signatures_are_those_of_openssl():
    assert sign_hmac(hmac_of(HMAC_SECRET), PAYLOAD) == HMAC_SIGNATURE
    assert sign_ed25519(ED25519, PAYLOAD) == ED25519_SIGNATURE

    public = load_pem_public_key(RSA_PUBLIC)
    assert isinstance(public, rsa.RSAPublicKey)
    assert verify_rsa(public, PAYLOAD, RSA_SIGNATURE)
    assert not verify_rsa(public, PAYLOAD + "0", RSA_SIGNATURE)


def test_rsa_signatures_have_the_documented_form(rsa_key):
    signature = sign_rsa(rsa_key, PAYLOAD)

    assert len(signature) == 344
    assert signature == sign_rsa(rsa_key, PAYLOAD)  # PKCS1 v1.5 has no salt
    assert verify_rsa(rsa_key.public_key(), PAYLOAD, signature)


def test_a_signature_of_another_text_or_key_is_refused(rsa_key):
    assert verify_hmac(HMAC_SECRET, PAYLOAD, HMAC_SIGNATURE.upper())
    assert not verify_hmac("other", PAYLOAD, HMAC_SIGNATURE)
    assert not verify_hmac(HMAC_SECRET, PAYLOAD + "0", HMAC_SIGNATURE)
    assert not verify_hmac(HMAC_SECRET, PAYLOAD, "é")
    assert verify_ed25519(ED25519.public_key(), PAYLOAD, ED25519_SIGNATURE)
    for wrong in ("", "not base64!", "é", ED25519_SIGNATURE.lower(), RSA_SIGNATURE):
        assert not verify_ed25519(ED25519.public_key(), PAYLOAD, wrong)
        assert not verify_rsa(rsa_key.public_key(), PAYLOAD, wrong)


@pytest.mark.parametrize("value", [0.1, None, {"a": 1}])
def test_a_value_without_an_exact_text_is_refused(value):
    with pytest.raises(RequestInvalid, match=r"price: a .* has no exact text"):
        signature_payload({"price": value})


def test_the_documented_hmac_signatures(shared_folder):
    content = json.loads((shared_folder / "reference" / "signing_vectors_hmac.json").read_text())
    assert len(content["vectors"]) == 17

    for vector in content["vectors"]:
        assert signature_payload(vector["params"]) == vector["payload"]
        assert sign_hmac(hmac_of(content["secretKey"]), vector["payload"]) == vector["signature"]


def test_the_documented_asymmetric_signatures(shared_folder):
    vectors = json.loads((shared_folder / "reference" / "signing_vectors_asymmetric.json").read_text())["vectors"]
    verifiable = [vector for vector in vectors if vector["verifiable"]]
    assert len(verifiable) == 3

    for vector in verifiable:
        key = load_pem_private_key(vector["private_key_pem"].encode(), None)
        assert isinstance(key, Ed25519PrivateKey)
        assert sign_ed25519(key, vector["payload"]) == vector["signature_base64"]


amounts = st.decimals(0, 10**9, places=8)
values = st.text(max_size=20) | st.integers(0, 2**63) | st.booleans() | amounts
parameters = st.lists(
    st.tuples(st.text("abcXYZ", min_size=1, max_size=4), values), max_size=6, unique_by=lambda item: item[0]
)


@given(parameters, st.data())
def test_any_order_of_parameters_signs_the_same(items, data):
    shuffled = data.draw(st.permutations(items))

    assert signature_payload(dict(shuffled)) == signature_payload(dict(items))


@given(parameters.map(dict))
def test_what_is_signed_is_what_is_on_the_wire(params):
    """The receiver knows only the JSON text; from it follows the same payload."""
    encoded = msgspec.json.encode(
        {name: format(value, "f") if isinstance(value, Decimal) else value for name, value in params.items()}
    )

    assert signature_payload(json.loads(encoded)) == signature_payload(params)


@given(st.text(st.characters(exclude_categories=["Cs"])))
def test_a_text_signs_raw_whatever_is_in_it(text):
    payload = signature_payload({"b": text, "a": 1})

    assert payload == f"a=1&b={text}"
    assert verify_hmac("secret", payload, sign_hmac(hmac_of("secret"), payload))


@pytest.mark.parametrize(
    ("milliseconds", "sent"), [(5000, 5000), (6000.346, "6000.346"), (60_000.0, 60_000), (0.001, "0.001")]
)
def test_a_window_is_sent_as_it_is_signed(milliseconds, sent):
    assert window_on_wire(milliseconds) == sent


@pytest.mark.parametrize("milliseconds", [60_000.001, 60_001, -1, 0.0001, float("nan"), float("inf")])
def test_a_window_that_binance_does_not_take_is_refused(milliseconds):
    with pytest.raises(RequestInvalid, match="recv_window"):
        window_on_wire(milliseconds)
