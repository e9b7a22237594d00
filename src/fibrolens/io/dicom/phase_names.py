"""The contrast phase that the description of a CT series states, in the words of many countries and scanners.

Whoever writes a description writes it for colleagues who know the protocol: ``ven``, ``70s``, ``F. ZYLNA``. What names
two phases, or a protocol of several, leaves the phase open; the organs decide then. ``AP`` is abdomen and pelvis, never
the arterial phase, and ``delay`` beside a number of seconds is the wait before the scan, not the delayed phase.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Literal

#: ``several``: more than one phase or a protocol of several; ``enhanced``: contrast of unstated phase; empty: nothing.
NamedPhase = Literal["native", "arterial", "portal", "delayed", "several", "enhanced", ""]

#: Words that hold the letters of a phase and are none.
MISLEADING = re.compile(
    r"artefa[ck]\w*|artifa[ck]\w*|venogra\w*|portable|port ?a ?cath|\bpre[- ]?(?:op|tace|rfa|abl|tx|transpl|biops"
    r"|bx\b|treat"
    r"|sirt|y ?90|chemo|monitor|proc|surg|rt\b|therap)\w*|w/?\s?oral|late(?:ral|x)\w*|i-sequence"
    r"|\bpost[- ]?(?:op|\w*ectomy|asp|biops|abl|tx|tace|transpl|rfa|treat|surg|proc)\w*"
)
#: A protocol of several phases; a single phase named beside it is the phase of this series.
SEVERAL = re.compile(
    r"\bw/? ?(?:and|&|\+|/)? ?w ?/?\.? ?o\b|\bw ?/?\.? ?o ?(?:and|&|\+|/)? ?w\b|with ?(?:and|&|\+|/)? ?without"
    r"|without ?(?:and|&|\+|/)? ?with\b|with ?(?:and|&|\+) ?delays?|\bpre ?(?:and|&|\+|/|-)+ ?post|\bbi[- ]?ph?as"
    r"|\btri[- ]?ph?as"
    r"|multi[- ]?ph?as|\bquad\w*-?phas|\b[2-5] ?-?(?:ph\b|pha|faz|fasen)|\b(?:dual|double|two|three|triple"
    r"|four)[- ]?pha"
    r"|\bdynam|portograph|\bperfus|[ci]\+ ?/ ?[ci]?-|[ci]- ?/? ?[ci]\+|[ci] ?\+/-"
)
#: Several waits in one description: ``30, 70, 120 SEC``.
WAITS = re.compile(r"\b\d{2,3} ?s?(?: ?[,/&+] ?\d{2,3} ?s?)+(?: ?(?:s|sec|secs|seconds)\b)")
LATE_VENOUS = re.compile(r"(?:spae?t|late|tardi\w*) ?-?(?:ven|zyl)\w*")
INFLOW = re.compile(
    r"(?:port\w* ?(?:venous)? ?)?in-?flow|(?:late|spae?t) ?-?art\w*|art\w*\.? ?(?:phase )?tardi\w*|peak plus"
    r"|arterio-?port\w*"
)

NATIVE = re.compile(
    r"\bw ?[/.]? ?o\b|wo (?:iv )?con|without|\bc minus|\bnon?[- /]*(?:iv )?(?:con|ce\b|enh|kontr|kk\b)|\bno (?:iv"
    r"|con|inj)|\bnc\b|\bnect\b|\bncct\b"
    r"|\bunenh|\bunenhanced|\bdry\b|\bpre\b|\bprecon|\bnati[vf]|\bnatyw|\bnatief|\bplain\b|\bblanco\b|\bblank\b"
    r"|\bzonder\b"
    r"|\bbasale?s?\b|\bsimple\b|\bdiretta\b|\bsin (?:c|iv|inj)|\bs/c\b|\bsem (?:c|iv|inj)|\bsenza\b|\bsmdc\b|\bsans\b"
    r"|\bspc\b|\bspdc\b|\bohne\b|\bbez\b|\bprzed\b|kontrasts[ıi]z|\bfara\b|\buden\b|\buten\b|\butan\b|\btnc\b"
    r"|(?<![a-z\d])(?:c|i|iv|km)-(?![a-z\d])|(?<![\w-])-(?:c|km)\b|\bstones?\b|\bcalcul[ui]|lithias"
    r"|平扫|平掃|単純|单纯|造影前|增强前|조영 ?전|натив|бесконтраст|без ?контраст|до контраст"
)
ARTERIAL = re.compile(
    r"\barts?\d*\b|\bart(?=ph|abd|ven|_)|lateart|earlyart|arter|\bhap\b|\blap\b|\beap\b|angio|\bcta\b|tetnic"
    r"|corticomed"
    r"|pan[ck]rea\w* ?-?pha|\bearly pha|\ba[- ]phase|動脈|动脉|동맥|артери"
)
PORTAL = re.compile(
    r"\bport(?:al|aal|o|e\b|a\b|v|ven|\b)|\bporot|portal|\bp\.? ?v\.?[pns]?\d*\b|\bp/v\b|\bhvp\b|veno[suz]|ven[ø]s"
    r"|veneu"
    r"|\bveno?s?\b|\bven(?=ph|abd)|veines?|zyln|wrotn|\b[pv][- ]phase|门脉|門脈|门静脉|門靜脈|静脉期|靜脈期|静脈相"
    r"|문맥|정맥|портал|веноз|воротн"
)
DELAYED = re.compile(
    r"delay|\bdel\b|\bdlys?\b|tardi[avofe]|\btard\b|retard|equil|wash-?out|\blate\b|\blateph|\bspae?t|verzoe?g|excret"
    r"|urogra|pyelo|\bopoz|\bpozn|pozne|\blaat\b|\bgec\b|interstit|\bd[- ]phase|延迟|延遲|平衡|後期|后期|遅延|지연|평형"
    r"|отсроч|выделит|экскрет"
)
ENHANCED = re.compile(
    r"\bce\b|(?<![a-z])[ci]\+|\+ ?[ci]\b|\biv[+c]?\b|\bw\b|\bwith\b|\bw/|wivc|\bwc\b|\bpost\b|postcon|enhanced"
    r"|contrast|kontrast"
    r"|\bkm\b|\bavec\b|\bmdc\b|\bcon c|\bcom c|omni|iohex|iopami|ultravist|isovue|nephro|nefro"
    r"|增强|増強|造影|조영|контраст"
)
MINUTES = re.compile(r"\b(\d{1,2}) ?(?:'(?!s)|min\b|mins\b|minut\w*|mtos|мин)")
SECONDS = re.compile(r"(?<![a-z\d.,])(\d{2,3}) ?(?:s|secs?|seconds?|sek|seg|сек)(?=delay|post|\b)")

#: Seconds from the begin of the injection; between the bands the phase is open.
ARTERIAL_S, PORTAL_S, DELAYED_S = (15.0, 48.0), (55.0, 110.0), (150.0, 1500.0)


def phase_by_name(description: str) -> NamedPhase:
    """The contrast phase that a series description states."""
    text = MISLEADING.sub(" ", plain(description))
    if WAITS.search(text):
        return "several"
    rest, protocols = SEVERAL.subn(" ", text)
    phases = _stated(rest)
    if len(phases) == 1:
        return phases.pop()
    if phases or protocols:
        return "several"
    return "enhanced" if ENHANCED.search(rest) else ""


def phase_after(seconds: float) -> NamedPhase:
    """The phase of a scan this long after the injection began; empty between two phases, or far from any.

    Bands around the usual 20 to 45 s, 60 to 90 s and 3 minutes or more of abdominal protocols.
    """
    bands: tuple[tuple[NamedPhase, tuple[float, float]], ...] = (
        ("arterial", ARTERIAL_S),
        ("portal", PORTAL_S),
        ("delayed", DELAYED_S),
    )
    return next((phase for phase, (low, high) in bands if low <= seconds <= high), "")


def plain(text: str) -> str:
    """Lower case without accents, underscores and repeated spaces, for rules that know one spelling."""
    letters = unicodedata.normalize("NFKD", text.replace("_", " ").casefold())
    bare = "".join(c for c in letters if unicodedata.category(c) != "Mn" or "\u3040" <= c <= "\u30ff")
    return " ".join(unicodedata.normalize("NFC", bare).split())


def _stated(text: str) -> set[NamedPhase]:
    """The phases whose words stand in a text."""
    found: set[NamedPhase] = set()
    text, late = LATE_VENOUS.subn(" ", text)
    text, inflow = INFLOW.subn(" ", text)
    seconds, minutes = SECONDS.search(text), MINUTES.search(text)
    if inflow or ARTERIAL.search(text):
        found.add("arterial")
    if PORTAL.search(text):
        found.add("portal")
    if NATIVE.search(text):
        found.add("native")
    if late or (seconds is None and DELAYED.search(text)) or (not found and minutes and int(minutes[1]) > 1):
        found.add("delayed")
    if not found and seconds and (timed := phase_after(float(seconds[1]))):
        found.add(timed)
    return found
