"""Attack the ports of a run: `python -m stranger FORM` prints the result, both as JSON."""

import json
import sys

from stranger.flooding import fuzz, unfinished
from stranger.forging import forge_all
from stranger.ports import Port

form = json.loads(sys.argv[1])
ports = {name: Port(host, 50051) for name, host in form["hosts"].items()}
if form["encrypts"]:
    ports = {name: port.encrypted() for name, port in ports.items()}
match form["attack"]:
    case "forge":
        print(json.dumps(forge_all(form["run"], ports, waits=form["waits"])))
    case "unfinished":
        print(json.dumps(unfinished(list(ports.values()), form["connections"])))
    case "fuzz":
        print(json.dumps(fuzz(list(ports.values()), form["seed"], form["frames"])))
