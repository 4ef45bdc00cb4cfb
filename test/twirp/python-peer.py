"""A Twirp client on messages that protoc generates from the API: prints what it got for each call, one JSON value a line.

Usage: python-peer.py URL DIRECTORY-OF-GENERATED-MESSAGES
"""

import json
import sys
import urllib.error
import urllib.request

sys.path.insert(0, sys.argv[2])

from finance.v1 import account_pb2, transfer_pb2  # noqa: E402
from google.protobuf import json_format  # noqa: E402

BASE = sys.argv[1] + "/twirp/finance.v1.FinanceService/"


def send(method, content_type, body):
    request = urllib.request.Request(BASE + method, data=body, headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.headers["Content-Type"], reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


def call(method, request, answer):
    """Calls in both encodings; gives both answers as JSON, or the errors as they came."""
    for content_type, encode, decode in (
        ("application/json", lambda m: json_format.MessageToJson(m).encode(), json_format.Parse),
        ("application/protobuf", lambda m: m.SerializeToString(), lambda body, m: m.FromString(body)),
    ):
        status, kind, body = send(method, content_type, encode(request))
        if status != 200:
            print(json.dumps([status, kind, json.loads(body)]))
            continue
        message = decode(body, answer())
        print(json.dumps([status, kind, json_format.MessageToDict(message, preserving_proto_field_name=True)]))


call("GetAccount", account_pb2.GetAccountRequest(id=2**62), account_pb2.Account)
call("GetAccount", account_pb2.GetAccountRequest(id=-4), account_pb2.Account)
call(
    "CreateTransfer",
    transfer_pb2.CreateTransferRequest(
        debit_account_id=1, credit_account_id=2, amount=2**63 - 1, metadata={"a": "1", "caffè": "☕"}
    ),
    transfer_pb2.Transfer,
)
