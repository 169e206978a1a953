"""Layouts of the files that markets publish: which column is the time, whether a row names the hour's beginning or its end, which is the
price, and whose price it is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from models.spelling import did_you_mean
from optimizer.case.reading.csv_table import Table
from optimizer.case.reading.csv_units import CURRENCIES, words_of
from optimizer.scenarios.data.source_table import BadSource, only_rows

#: market -> the zone of its local clock
ZONES = {
    "ercot": "America/Chicago",
    "caiso": "America/Los_Angeles",
    "nyiso": "America/New_York",
    "pjm": "America/New_York",
    "entsoe": "Europe/Brussels",
    "other": None,
}


@dataclass(frozen=True)
class Layout:
    """How one kind of file is read. Names of columns are compared in small letters without what is not a letter or a number.

    time        column of the time, or of the day where `hour` names that of the hour
    price       column of the price
    hour        column of the hour of the day ('01:00', '1', '24:00'): it names the hour's end
    interval    column of the part of the hour, from 1
    repeated    column that says by Y that an hour is the second of its name (autumn)
    node        column that names the node
    kind        (column, value): of several prices in a file the rows that count
    ending      whether a time names the end
    utc         whether the clock is UTC
    """

    market: str
    time: str
    price: str
    hour: str = ""
    interval: str = ""
    repeated: str = ""
    node: str = ""
    kind: tuple[str, str] | None = None
    ending: bool = False
    utc: bool = False


#: the first one whose columns are all there is taken
LAYOUTS = (
    Layout("ercot", "deliverydate", "settlementpointprice", hour="deliveryhour", interval="deliveryinterval",
           repeated="repeatedhourflag", node="settlementpointname"),
    Layout("ercot", "deliverydate", "settlementpointprice", hour="hourending", repeated="repeatedhourflag", node="settlementpoint"),
    Layout("ercot", "deliverydate", "settlementpointprice", hour="hourending", repeated="dstflag", node="settlementpoint"),
    Layout("caiso", "intervalstarttimegmt", "mw", node="node", kind=("lmptype", "LMP"), utc=True),
    Layout("caiso", "intervalstarttimegmt", "lmp", node="node", utc=True),
    Layout("nyiso", "timestamp", "lbmpmwhr", node="name"),
    Layout("pjm", "datetimebeginningutc", "totallmpda", node="pnodename", utc=True),
    Layout("pjm", "datetimebeginningutc", "totallmprt", node="pnodename", utc=True),
    Layout("pjm", "datetimebeginningept", "totallmpda", node="pnodename"),
    Layout("entsoe", "mtucetcest", "dayaheadpriceeurmwh", node="area"),
    Layout("entsoe", "mtuutc", "dayaheadpriceeurmwh", node="area", utc=True),
)  # fmt: skip
#: of any other file, columns by what their names begin with, in order of preference
TIMES = ("datetime", "timestamp", "time", "date", "interval", "hour", "mtu", "period", "start")
PRICES = ("price", "lmp", "lbmp", "spp", "dayahead", "value")
#: words in the name of a column by which its times are the ends of hours
ENDINGS = ("ending", "intervalend", "endtime")


@dataclass(frozen=True)
class Columns:
    """What is read of one table: layout, positions of its columns (-1: none), currency and factor to a MWh, node."""

    layout: Layout
    time: int
    price: int
    hour: int = -1
    interval: int = -1
    repeated: int = -1
    currency: str = "USD"
    per_mwh: float = 1.0
    node: str = ""
    nodes: tuple[str, ...] = field(default=())


@dataclass(frozen=True)
class Asked:
    """What the caller says of a file beside its market. hour: 'beginning' or 'ending', '' as the layout has it."""

    market: str = "other"
    node: str = ""
    time_column: str = ""
    price_column: str = ""
    hour: str = ""
    unit: str = ""


def plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def recognise(table: Table, asked: Asked) -> tuple[Table, Columns]:
    """The rows of one node, and how they are read. Raises BadSource."""
    names = [plain(name) for name in table.header]
    layout = next((one for one in LAYOUTS if asked.market in (one.market, "other") and _fits(one, names)), None)
    if layout is None or asked.time_column or asked.price_column:
        layout = _any_layout(table, names, asked)
    table, node, nodes = _of_node(table, names, layout, asked.node)
    if layout.kind is not None:
        kind = names.index(layout.kind[0])
        keep = [k for k, row in enumerate(table.rows) if kind < len(row) and row[kind].strip() == layout.kind[1]]
        table = only_rows(table, keep)
    if not table.rows:
        raise BadSource(table.place(-1, 0), "no row is left of this node and kind of price")
    if asked.hour:
        layout = _with_end(layout, asked.hour == "ending")
    price = names.index(layout.price)
    currency, per_mwh = _unit_of(table, price, asked.unit)
    at = {key: names.index(name) if (name := getattr(layout, key)) else -1 for key in ("hour", "interval", "repeated")}
    return table, Columns(
        layout, names.index(layout.time), price, **at, currency=currency, per_mwh=per_mwh, node=node, nodes=nodes
    )


def _fits(layout: Layout, names: list[str]) -> bool:
    wanted = [
        layout.time,
        layout.price,
        layout.hour,
        layout.interval,
        layout.repeated,
        *([layout.kind[0]] if layout.kind else []),
    ]
    return all(name in names for name in wanted if name)


def _any_layout(table: Table, names: list[str], asked: Asked) -> Layout:
    """A file with a time and a price."""
    time = _column(table, names, asked.time_column, TIMES, "time", "--time-column")
    price = _column(table, names, asked.price_column, PRICES, "price", "--price-column", besides=time)
    node = next((name for name in ("node", "zone", "hub", "settlementpoint", "pnodename", "name", "area") if name in names), "")
    ending = any(word in time for word in ENDINGS)
    return Layout(
        asked.market,
        time,
        price,
        node=node if node not in (time, price) else "",
        ending=ending,
        utc="utc" in time or "gmt" in time,
    )


def _column(table: Table, names: list[str], said: str, known: tuple[str, ...], what: str, option: str, besides: str = "") -> str:
    if said:
        if plain(said) not in names:
            raise BadSource(table.place(-1, 0), f'there is no column "{said}"', did_you_mean(said, table.header, "the file has"))
        return plain(said)
    for word in known:
        found = [name for name in names if word in name and name != besides]
        if found:
            return found[0]
    shown = ", ".join(name for name in table.header if name)
    raise BadSource(table.place(-1, 0), f"no column looks like a {what}: {shown}", f"name it: {option} NAME")


def _of_node(table: Table, names: list[str], layout: Layout, wanted: str) -> tuple[Table, str, tuple[str, ...]]:
    """The rows of one node: the one that is wanted, or the only one."""
    if not layout.node or layout.node not in names:
        if wanted:
            raise BadSource(table.place(-1, 0), "the file has no column that names a node", "leave --node out")
        return table, "", ()
    at = names.index(layout.node)
    by_row = [row[at].strip() if at < len(row) else "" for row in table.rows]
    nodes = tuple(dict.fromkeys(by_row))
    if wanted:
        if wanted not in nodes:
            raise BadSource(table.place(-1, at), f'there is no node "{wanted}"', did_you_mean(wanted, nodes, "the file has"))
        return only_rows(table, [k for k, name in enumerate(by_row) if name == wanted]), wanted, nodes
    if len(nodes) > 1:
        some = ", ".join(nodes[:6]) + (", ..." if len(nodes) > 6 else "")
        raise BadSource(table.place(-1, at), f"the file has {len(nodes)} nodes: {some}", "choose one: --node NAME")
    return table, nodes[0] if nodes else "", nodes


def _with_end(layout: Layout, ending: bool) -> Layout:
    from dataclasses import replace

    return replace(layout, ending=ending)


def _unit_of(table: Table, price: int, said: str) -> tuple[str, float]:
    """(currency, MWh of the unit's energy) from `--unit`, the column's name, or a comment; USD/MWh where nothing tells."""
    texts = (said, table.header[price], table.notes.get("unit", ""), table.notes.get("currency", ""))
    currency, energy = "USD", 1.0
    for text in reversed([text for text in texts if text]):
        for word in words_of(text):
            if word in CURRENCIES:
                currency = CURRENCIES[word]
            elif word in ("usd", "$", "us$"):
                currency = "USD"
            elif word == "kwh":
                energy = 1e-3
            elif word == "mwh":
                energy = 1.0
    names = [plain(name) for name in table.header]
    if not said and "currency" in names:
        stated = {row[names.index("currency")].strip().upper() for row in table.rows if names.index("currency") < len(row)} - {""}
        if len(stated) == 1:
            currency = stated.pop()
    return currency, energy
