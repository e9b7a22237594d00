"""Pages whose readers have a cohort or a study: apart from the others, so that another process may run them."""

import pytest
from tests.docs.blocks import RUNNING, given, named
from tests.docs.reader import read
from tests.docs.stock import WITH_OTHERS


@pytest.mark.slow
@pytest.mark.parametrize("page", [page for page in RUNNING if WITH_OTHERS & {*given(page)}], ids=named)
def test_the_blocks_of_a_page_run_in_their_order(page, stock, tmp_path):
    read(page, stock, tmp_path)
