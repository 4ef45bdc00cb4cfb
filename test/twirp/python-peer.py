"""A Twirp client with nothing but Python's standard library: prints what it got for each call, one JSON value a line."""

import json
import sys
import urllib.error
import urllib.request

BASE = sys.argv[1] + "/twirp/finance.v1.FinanceService/"


def call(method, content_type, body):
    request = urllib.request.Request(BASE + method, data=body, headers={"Content-Type": content_type})
    try:
        with urllib.request.urlopen(request, timeout=10) as reply:
            return reply.status, reply.headers["Content-Type"], reply.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers["Content-Type"], error.read()


def varint(number):
    """A protobuf varint; a negative int64 is its 64-bit two's complement."""
    number &= (1 << 64) - 1
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def read_varint(data, at):
    number = shift = 0
    while True:
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return number, at


def fields(data):
    """The fields of a message, by number; varints and length-delimited ones are all that the answer has."""
    at, found = 0, {}
    while at < len(data):
        tag, at = read_varint(data, at)
        if tag & 7 == 0:
            value, at = read_varint(data, at)
        elif tag & 7 == 2:
            length, at = read_varint(data, at)
            value, at = data[at : at + length], at + length
        else:
            raise ValueError("unexpected wire type %d" % (tag & 7))
        found.setdefault(tag >> 3, []).append(value)
    return found


# GetAccountRequest has one field: int64 id = 1.
status, kind, body = call("GetAccount", "application/json", json.dumps({"id": 2**53 + 1}).encode())
answer = json.loads(body)
print(json.dumps([status, kind, answer["id"], answer["name"], answer["metadata"]]))

status, kind, body = call("GetAccount", "application/protobuf", b"\x08" + varint(2**62))
answer = fields(body)
print(json.dumps([status, kind, str(answer[1][0]), answer[2][0].decode()]))

for content_type, body in (("application/json", b'{"id": "-4"}'), ("application/protobuf", b"\x08" + varint(-4))):
    status, kind, body = call("GetAccount", content_type, body)
    print(json.dumps([status, kind, json.loads(body)]))
