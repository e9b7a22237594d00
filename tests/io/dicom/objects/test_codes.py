"""Standard codes are those of DICOM's own dictionary, with its meaning."""

import pytest
from pydicom.sr._concepts_dict import concepts
from pydicom.sr.coding import Code

from fibrolens.io.dicom.objects import codes

STANDARD = {
    name: code for name, code in vars(codes).items() if isinstance(code, Code) and code.scheme_designator != "UCUM"
}


@pytest.mark.parametrize("name", STANDARD)
def test_code_and_meaning_are_those_of_the_dictionary(name):
    code = STANDARD[name]
    meanings = {
        entry[code.value][0].lower() for entry in concepts[code.scheme_designator].values() if code.value in entry
    }
    assert code.meaning.lower() in meanings


def test_an_unknown_code_of_ours_is_an_error():
    with pytest.raises(KeyError):
        codes.own("nonsense")
