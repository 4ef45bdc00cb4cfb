"""Follows the feed of events and keeps a copy of the books in a file: consumer.py FILE TOKEN URL...

The file holds the copy and the cursor, and is replaced as a whole. So the program may be killed at any time.
"""

import http.client
import itertools
import json
import os
import random
import sys
import time
import urllib.error
import urllib.request

file, token, *urls = sys.argv[1:]

books = {"cursor": "", "position": 0, "accounts": {}}
if os.path.exists(file):
    with open(file, encoding="utf-8") as stored:
        books = json.load(stored)


def list_events(url):
    request = {"cursor": books["cursor"], "page_size": random.randint(1, 300), "wait_ms": 2000}
    headers = {"content-type": "application/json", "authorization": f"Bearer {token}"}
    path = "/twirp/finance.v1.FinanceService/ListEvents"
    call = urllib.request.Request(url + path, json.dumps(request).encode(), headers)
    with urllib.request.urlopen(call, timeout=12) as reply:
        return json.load(reply)


def expect(holds, event):
    if not holds:
        sys.exit(f"the event does not continue the books: {json.dumps(event)}")


def apply(event):
    expect(int(event["id"]) == books["position"] + 1, event)
    books["position"] += 1
    account = event["account"]
    if account is not None:
        opens = event["type"] == "EVENT_TYPE_ACCOUNT_CREATED"
        expect(opens == (account["id"] not in books["accounts"]), event)
        zero = {"sequence": 0, "balance": 0, "debits_pending": 0, "credits_pending": 0}
        books["accounts"].setdefault(account["id"], zero).update(name=account["name"], status=account["status"])
        return
    for entry in event["entries"]:
        copy = books["accounts"][entry["account_id"]]
        copy["sequence"] += 1
        copy["balance"] += int(entry["amount"])
        expect(copy["sequence"] == int(entry["sequence"]), event)
        expect(copy["balance"] == int(entry["balance_after"]), event)
    transfer = event["transfer"]
    if event["type"] != "EVENT_TYPE_TRANSFER_POSTED":
        held = int(transfer["amount"]) * (1 if event["type"] == "EVENT_TYPE_TRANSFER_HELD" else -1)
        books["accounts"][transfer["debit_account_id"]]["debits_pending"] += held
        books["accounts"][transfer["credit_account_id"]]["credits_pending"] += held


for url in itertools.cycle(urls):
    try:
        page = list_events(url)
    except urllib.error.HTTPError as error:
        # The request is wrong, or the cursor is refused.
        if error.code in (400, 401, 403, 404, 412):
            sys.exit(error.read().decode())
        time.sleep(0.1)
        continue
    except (OSError, http.client.HTTPException, ValueError):
        time.sleep(0.1)
        continue
    for happened in page["events"]:
        apply(happened)
    books["cursor"] = page["cursor"]
    with open(f"{file}.new", "w", encoding="utf-8") as stored:
        json.dump(books, stored)
    os.replace(f"{file}.new", file)
