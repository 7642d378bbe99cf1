"""The vocabulary of shapes: words for kinds, fields, machines and noise, usual and unusual ones."""

#: Words for internal events, sends, receives; after a | other words for the same kind.
KINDS = (
    ("internal", "send", "receive"),
    ("INTERNAL", "SEND", "RECV"),
    ("Internal event", "Message sent", "Message received"),
    ("local step", "sent a message", "received a message"),
    ("INTERNAL_EVENT", "SEND_EVENT", "RECEIVE_EVENT"),
    ("I", "S", "R"),
    ("i", "s", "r"),
    ("L", "O", "I"),
    ("int", "snd", "rcv"),
    ("0", "1", "2"),
    ("3", "1", "2"),
    ("E0", "E1", "E2"),
    ("code 10", "code 20", "code 30"),
    ("compute", "publish", "consume"),
    ("COMPUTE|IDLE", "TX", "RX"),
    ("work|think", "emit", "absorb"),
    ("tick", "put", "get"),
    ("noop", "push", "pop"),
    ("self", "out", "in"),
    ("own", "outbound", "inbound"),
    ("busy", "mail", "letter"),
    ("thinking", "shouting", "listening"),
    ("nothing happened", "told", "heard"),
    ("Processing internally", "Sending message", "Processing received message"),
    ("internal event occurred", "dispatched one", "got one"),
    ("evt.local", "evt.send", "evt.recv"),
    ("LOCAL_STEP", "MSG_OUT", "MSG_IN"),
    ("no message", "transmit", "accept"),
    ("bump", "throw", "catch"),
    ("walk", "post", "fetch"),
    ("idle", "write", "read"),
    ("+", ">", "<"),
    ("~", "->", "<-"),
    ("intern", "gesendet", "empfangen"),
    ("Internes Ereignis", "Nachricht gesendet", "Nachricht erhalten"),
    ("interno", "enviado", "recibido"),
    ("evento interno", "envío", "recepción"),
    ("interne", "envoi", "réception"),
    ("evento interno", "invio", "ricezione"),
    ("wewnętrzne", "wysłano", "odebrano"),
    ("intern", "verzonden", "ontvangen"),
    ("sisäinen", "lähetys", "vastaanotto"),
    ("внутреннее", "отправка", "получение"),
    ("内部", "送信", "受信"),
    ("内部事件", "发送", "接收"),
    ("wug", "dax", "blick"),
    ("alpha", "beta", "gamma"),
    ("A", "B", "C"),
    ("step", "flip", "flop"),
    ("sleeping|waking", "knock", "answer"),
    ("local_computation", "unicast", "delivery"),
    ("no message received, internal event", "sent message", "received message"),
    ("message queue empty, doing own work", "send message", "receive message"),
    ("not sending", "sending now", "not sending but reading"),
    ("ev 7", "ev 7b", "ev 7c"),
    ("INT", "SND1|SND2", "RCV"),
    ("lokal|warten", "raus", "rein"),
    ("eat", "spit", "swallow"),
    ("Own", "Out", "In"),
)
#: Words by which sends to all others may differ from those to one.
BROADCASTS = (
    *("broadcast", "BCAST", "send all", "SEND_ALL", "multicast", "sent to all", "B", "9", "shout"),
    *("rundruf", "difusión", "一斉送信", "publish-all", "fanout", "spam", "yell"),
)
#: Receivers of a send to all others, where they are not named one by one.
ALL = ("all", "ALL", "everyone", "others", "all others", "*", "all machines", "alle", "todos")
BOTH = ("both", "BOTH", "both others", "both machines", "both peers", "beide", "les deux")
LEFT_RIGHT = (("left", "right"), ("LEFT", "RIGHT"), ("prev", "next"), ("links", "rechts"))
#: Lists of names: before, between, after.
LISTS = (
    *(("", " and ", ""), ("", ", ", ""), ("[", ", ", "]"), ("", ",", ""), ("", ";", "")),
    *(("(", ", ", ")"), ("{", ", ", "}"), ("", " & ", ""), ("", "+", ""), ("", "/", "")),
    *(("['", "', '", "']"), ("<", " ", ">"), ("", " und ", ""), ("", " y ", "")),
)

#: What stands around the value of a field in a line of text.
AROUND = {
    "clock": (
        *("LC={}", "clock={}", "clock: {}", "lamport {}", "L={}", "[{}]", "(LC {})", "counter {}"),
        *("logical clock time: {}", "logical={}", "C:{}", "lamport_clock={}", "LogicalTime: {}"),
        *("Logical Clock Time - {}", "clk<{}>", "at clock {}", "@{}", "Uhr {}", "horloge={}", "{}"),
        *("ts={}", "lts {}", "LOGICAL CLOCK: {}", "t_L = {}", "{} (lamport)", "時計 {}", "#{}"),
    ),
    "queue": (
        *("queue={}", "q={}", "queue length: {}", "{} left", "{} in queue", "{} more"),
        *("len(q)={}", "pending:{}", "Queue Size: {}", "inbox={}", "Warteschlange {}", "w{}"),
        *("remaining messages: {}", "msgs waiting = {}", "queue[{}]", "({} queued)", "todo {}"),
    ),
    "stamp": (
        *("stamp={}", "msg={}", "message: {}", "carried {}", "payload {}", "ts:{}", "value={}"),
        *("with time {}", "m[{}]", "msg_clock {}", "(their {})", "content '{}'", "body={}"),
    ),
    "to": (
        *("to={}", "to {}", "-> {}", "dest={}", "receiver: {}", "target={}", "recipient(s): {}"),
        *("an {}", "→ {}", "peer={}", "destination {}", "{}", "=> {}", "to machine {}"),
    ),
    "sender": (
        *("from={}", "from {}", "<- {}", "src={}", "sender: {}", "source={}", "von {}", "← {}"),
        *("peer={}", "origin {}", "{}", "<= {}", "from machine {}", "by {}"),
    ),
    "me": (
        *("[{}]", "{}", "machine={}", "machine {}", "<{}>", "id={}", "VM {}", "node {}:", "({})"),
        *("process-{}", "pid {}", "m:{}", "I am {}"),
    ),
    "kind": ("{}", "{}", "[{}]", "event={}", "type: {}", "<{}>", "action={}", "({})", "op={}"),
    "old": ("was {}", "before={}", "old clock {}", "(from {})", "{} =>", "prev: {}"),
    "number": ("#{}", "event {}", "n={}", "line {}:", "no. {}", "seq={}", "{}."),
    "roll": ("roll={}", "die {}", "rand={}", "(rolled {})", "choice: {}", "dice {}"),
    "rate": ("rate={}", "{} Hz", "speed {}", "(rate {})", "clock rate: {}", "tps {}"),
    "time": (
        *("{}", "{}", "{}", "[{}]", "time={}", "at {}", "({})", "system time: {}", "when {}"),
        *("sys={}", "<{}>", "wall {}", "global time: {}", "System Time - {}"),
    ),
}  # fmt: skip
#: Names of the fields in JSON, in headers and before a value.
KEYS = {
    "clock": ("clock", "lamport", "lc", "logical_clock", "logicalTime", "L", "counter", "Clock"),
    "queue": ("queue", "queue_len", "q", "backlog", "queueLength", "pending", "inbox", "left"),
    "stamp": ("stamp", "msg", "message", "carried", "payload", "msg_clock", "value", "body"),
    "to": ("to", "dest", "receivers", "target", "recipients", "peer", "dst", "receiver"),
    "sender": ("from", "src", "sender", "source", "origin", "peer", "by"),
    "me": ("machine", "node", "id", "vm", "me", "process", "who", "host"),
    "kind": ("event", "kind", "type", "action", "op", "what", "event_type", "Ereignis"),
    "old": ("before", "old", "previous", "clock_before"),
    "number": ("n", "seq", "index", "#", "event_id", "lfd"),
    "roll": ("roll", "die", "rand", "choice", "random"),
    "rate": ("rate", "hz", "speed", "clock_rate", "tps"),
    "time": ("time", "ts", "system_time", "at", "when", "wall", "timestamp", "sys_time"),
}

SEPARATORS = (
    " ",
    " ",
    ". ",
    ", ",
    " | ",
    "; ",
    " - ",
    " :: ",
    "\t",
    " / ",
    "|",
    ",",
    " ~ ",
    " • ",
    "  ",
)
DELIMITERS = (",", ",", ",", ";", "\t", "|")

#: Machines: what comes before the number or letter in the name, the first, and the distance.
NUMBERED = (
    *(("", 0, 1), ("", 1, 1), ("", 1, 1), ("", 10, 10), ("vm", 1, 1), ("node-", 0, 1), ("P", 1, 1)),
    *(("", 5001, 1), ("", 8000, 10), ("machine_", 1, 1), ("m", 0, 1), ("server", 1, 1)),
)
NAMES = (
    *("ABCDE", "abcde", "XYZVW", ("alice", "bob", "carol", "dave", "erin")),
    *(("red", "green", "blue", "cyan", "pink"), ("mars", "venus", "pluto", "earth", "saturn")),
    *(("n1.local", "n2.local", "n3.local", "n4.local", "n5.local"), ("α", "β", "γ", "δ", "ε")),
)
FILES = (
    *("{}.log", "machine_{}.log", "{}.txt", "log_{}.txt", "log{}", "vm-{}.out", "run3_{}.log"),
    *("trial2-{}.log", "{}_2031-04-07.log", "lab-log-{}.txt", "{}", "output.{}", "3hz_{}.log"),
    *("process {}.log", "experiment1_machine{}_clock.log", "{}_log", "logs-{}-run12.txt"),
)
TABLES = ("{}.csv", "log_{}.csv", "data-{}.csv", "machine{}_run2.csv", "{}.tsv", "{}.txt")
OBJECTS = ("{}.jsonl", "{}.json", "log-{}.ndjson", "events_{}.log", "{}")
#: Names of files that name no machine.
ANY_FILES = ("first.log", "second.log", "third.log", "other.log", "last.log")
TOGETHER = ("all.log", "trace.txt", "output.log", "run.log", "log.txt", "combined")

#: What Python's logging and others write in front.
FRONTS = (
    *("{} - lab - INFO - ", "{} INFO ", "{} | DEBUG | ", "[{}] INFO: ", "{} root WARNING "),
    *("{} [INFO] lab: ", "{}: "),
)
ROOTS = ("INFO:root:", "DEBUG:machine:", "WARNING:__main__:", "INFO:lab.node:", "[DEBUG] ")

#: Kinds of records that are no events, and look like them.
OPENINGS = ("boot", "INIT", "START", "connected", "ready", "Initialized", "los", "開始")
CLOSINGS = ("halt", "STOP", "END", "disconnected", "exit", "Shutdown", "Ende", "終了")
#: What lines call the machine of a number, and of a port.
CALLED = ("{}", "machine {}", "Machine {}", "vm{}", "worker-{}", "node {}", "host_{}", "VM_{}")
BY_PORT = ("localhost:{}", "127.0.0.1:{}", ":{}", "port {}", "{}")
#: Lines without an event.
HEADS = (
    *("machine {me} starting", "{me} up, {rate} ticks per second", "clock rate: {rate}"),
    *("Initialized with clock 0 and rate {rate}", "listening on port 9{rate}34", "--- begin ---"),
    *("config: rate={rate}, duration=60, seed=17", "connected to 2 peers", "Starte {me} ...", ""),
    *("========", "# log of {me}", "speed {rate} Hz, probability 10", "all links open", "queue 0"),
)
TAILS = (
    "{me} done",
    "stopped after 60 seconds",
    "bye",
    "shutting down {me}",
    "Ende",
    "--- end ---",
    "",
)
BEATS = (
    "sending again",
    "WARNING: queue is long",
    "heartbeat ok",
    "{me} alive",
    "still here",
    "gc took 3 ms",
    "",
    "DEBUG poll",
    "clock {clock}",
)
BREAKS = (
    *("### trial {n} ###", "--- run {n} ---", "Starting trial {n}", "=====", "RUN {n}", "", None),
    *("new experiment, number {n}", "[trial {n}]", "~~~ {n} of 3 ~~~"),
)
BESIDE = {
    "requirements.txt": "numpy==1.26.4\npytest>=8.3\ngrpcio==1.62.0\n",
    "settings.cfg": "[lab]\nmachines = 3\nseconds = 60\nports = 5001, 5002, 5003\n",
    "README.md": "# Lab 3\n\nRun `python main.py 60 6`.\n\n1. Start 3 machines.\n2. Wait 60 s.\n",
    "machine.py": "import time\n\nTICKS = 6\n\n\ndef tick(clock):\n    return clock + 1\n",
    "summary.txt": "run  jumps  drift\n1    12     3.5\n2    14     2.25\n3    9      4.75\n",
    "notes.md": "Run 1: clocks 133, 140, 141\nRun 2: clocks 120, 122, 131\nThe slow one lags.\n",
    "errors.log": "",
}
