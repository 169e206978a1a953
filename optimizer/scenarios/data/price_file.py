"""The one layout of prices here: a header that says where they come from, and an hour a row, as a case reads it."""

from __future__ import annotations

import io
import math

from optimizer.scenarios.data.price_hours import PriceHours

TIME, PRICE = "datetime_local", "price_usd_per_mwh"


def to_bytes(made: PriceHours) -> bytes:
    """The file. The same hours, sources and mending give the same bytes."""
    out = io.StringIO()
    said = {
        "source": "; ".join(f"{path.rsplit('/', 1)[-1]} (sha256 {digest[:16]})" for path, digest in made.sources),
        "market": made.market,
        "node": made.node or "not said in the file",
        "unit": "USD/MWh",
        "zone": f"{made.zone}, on its standard clock",
        "years": ", ".join(map(str, made.years)) or "none whole",
        "converted": made.conversion or "no",
        "mended": "; ".join(made.mended) or "no",
        "without a price": str(int((made.usd != made.usd).sum())),
        "hours sha256": made.digest,
    }
    for key, value in said.items():
        out.write(f"# {key}: {value}\n")
    out.write(f"{TIME},{PRICE}\n")
    for stamp, usd in zip(made.stamps(), made.usd.tolist(), strict=True):
        out.write(f"{stamp},{'' if math.isnan(usd) else repr(round(usd, 9) + 0.0)}\n")
    return out.getvalue().encode()


def picture(made: PriceHours) -> str:
    """An SVG of the least, mean and greatest price of every day, cut at the middle 99 % of hours."""
    import numpy as np

    days = len(made.usd) // 24
    usd = made.usd[: days * 24].reshape(days, 24)
    finite = np.isfinite(usd)
    low, high = np.nanpercentile(made.usd, [0.5, 99.5])
    low, high = min(low, 0.0), max(high, low + 1.0)
    width, height, left, top = 1000, 300, 60, 30

    def x(day: int) -> float:
        return left + (width - left - 10) * day / max(days - 1, 1)

    def y(price: float) -> float:
        return top + (height - top - 30) * (1.0 - (min(max(price, low), high) - low) / (high - low))

    rows = [(k, usd[k][finite[k]]) for k in range(days) if finite[k].any()]
    bars = "".join(f'<path d="M{x(k):.1f} {y(v.min()):.1f}V{y(v.max()):.1f}"/>' for k, v in rows)
    line = "M" + "L".join(f"{x(k):.1f} {y(float(v.mean())):.1f}" for k, v in rows)
    ticks = "".join(
        f'<text x="{left - 6}" y="{y(v) + 4:.1f}" text-anchor="end">{v:,.0f}</text><path class="grid" d="M{left} {y(v):.1f}H{width - 10}"/>'
        for v in np.linspace(low, high, 5)
    )
    title = f"{made.market} {made.node}, USD/MWh by day: least to greatest, and mean; {', '.join(map(str, made.years))}"
    title = title.replace("&", "&amp;").replace("<", "&lt;")
    style = "text{font:12px sans-serif;fill:#333}.grid{stroke:#ddd}.bars{stroke:#9cc3e6}.mean{stroke:#1f4e79;fill:none;stroke-width:1.5}"
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}"><style>{style}</style>'
        f'<rect width="{width}" height="{height}" fill="#fff"/><text x="{left}" y="18">{title}</text>{ticks}'
        f'<g class="bars">{bars}</g><path class="mean" d="{line}"/></svg>\n'
    )
