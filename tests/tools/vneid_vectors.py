#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Envelopes as the partner's side makes them, by an implementation that is not ours (python3-cryptography):
prints tests/unit/support/vneid_vectors.h. The keys are new each time; they protect nothing."""
import base64
import json
import os

from cryptography.hazmat.primitives import padding, serialization
from cryptography.hazmat.primitives.asymmetric import padding as rsa_padding
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

PERSON = json.dumps({"citizenPid": "030190001235", "fullName": "Nguyễn Thị Lan", "birthDate": "19900115",
                     "accountType": 1, "accountLevel": 2}, ensure_ascii=False)
TOKEN = json.dumps({"access_token": "a+b/c=", "token_type": "Bearer", "expires_in": 300})


def c_bytes(name, data):
    rows = [", ".join(f"0x{b:02x}" for b in data[at:at + 12]) for at in range(0, len(data), 12)]
    return f"static const unsigned char {name}[] = {{\n    " + ",\n    ".join(rows) + "};\n"


def c_text(text):
    lines = [text[at:at + 90].replace("\\", "\\\\").replace('"', '\\"') for at in range(0, len(text), 90)]
    return "\n        ".join(f'"{line}"' for line in lines)


def envelope(public, aes, plain):
    padder = padding.PKCS7(128).padder()
    encryptor = Cipher(algorithms.AES(aes), modes.ECB()).encryptor()
    data = encryptor.update(padder.update(plain.encode()) + padder.finalize()) + encryptor.finalize()
    wrapped = public.encrypt(aes, rsa_padding.PKCS1v15())
    return json.dumps({"data": base64.b64encode(data).decode(), "key": base64.b64encode(wrapped).decode()})


def main():
    private = rsa.generate_private_key(65537, 2048)
    print("/* SPDX-License-Identifier: Apache-2.0\n *\n * Made by tests/tools/vneid_vectors.py. */")
    print("#ifndef IDP_TESTS_VNEID_VECTORS_H\n#define IDP_TESTS_VNEID_VECTORS_H\n")
    print(c_bytes("vneid_private_der", private.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())))
    print("static const struct {\n    unsigned aes_len;\n    unsigned char aes[32];\n    const char *body, *plain;\n} vneid_vectors[] = {")
    for size, plain in ((16, PERSON), (24, TOKEN), (32, PERSON), (16, "{}"), (32, '{"a":"0123456789"}')):
        aes = os.urandom(size)
        key = ", ".join(f"0x{b:02x}" for b in aes)
        print(f"    {{{size},\n     {{{key}}},\n     {c_text(envelope(private.public_key(), aes, plain))},\n     {c_text(plain)}}},")
    print("};\n\n#endif")


if __name__ == "__main__":
    main()
