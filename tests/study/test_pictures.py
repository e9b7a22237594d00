from fibrolens.evaluate.study import Predicted
from fibrolens.study.pictures import typical


def case(name: str, stage: int, own: float) -> Predicted:
    chances = [(1 - own) / 4] * 5
    chances[stage] = own
    return Predicted(name, name, 0, (stage,), tuple(chances))


def test_typical_scans_are_the_middle_ones_of_f0_and_f4_right_or_wrong():
    cases = [case(f"a{k}", 0, k / 10) for k in range(6)] + [case("b", 4, 0.9), case("c", 2, 0.9)]
    assert [c.scan_id for c in typical(cases)] == ["a2", "a3", "b"]
    assert [c.scan_id for c in typical([case("c", 2, 0.9)])] == []
