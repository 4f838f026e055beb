"""The tree of RFC 6962: the roots of Certificate Transparency's own reference tests, and paths that lead to them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from broadcaster.audit.verifier.tree import Tree, root_of_path
from broadcaster.domain.tree import Frontier, leaf_hash, merkle_root, paths

LEAVES = [
    bytes.fromhex(leaf)
    for leaf in (
        "",
        "00",
        "10",
        "2021",
        "3031",
        "40414243",
        "5051525354555657",
        "606162636465666768696a6b6c6d6e6f",
    )
]
ROOTS = [
    "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
]


@pytest.mark.parametrize("size", range(9))
def test_the_root_is_that_of_certificate_transparency(size):
    assert merkle_root(LEAVES[:size]) == ROOTS[size]


@pytest.mark.parametrize("size", range(9))
def test_the_stand_alone_verifier_comes_to_the_same_root(size):
    tree = Tree()
    for leaf in LEAVES[:size]:
        tree.append(leaf_hash(leaf))
    assert tree.root().hex() == ROOTS[size]


# RFC 6962, 2.1.3: the audit paths of d0, d3, d4 and d6 in a tree of seven.
@pytest.mark.parametrize(("index", "length"), [(0, 3), (3, 3), (4, 3), (6, 2)])
def test_a_path_is_as_long_as_the_rfc_draws_it(index, length):
    leaves = [leaf_hash(leaf) for leaf in LEAVES[:7]]
    assert len(paths(leaves, [index])[index]) == length


@given(st.integers(1, 70), st.data())
def test_a_path_leads_to_the_root_and_from_no_other_leaf_or_place(size, data):
    index = data.draw(st.integers(0, size - 1))
    leaves = [leaf_hash(bytes([n])) for n in range(size)]
    tree = Frontier()
    for leaf in leaves:
        tree.append(leaf)
    path = paths(leaves, [index])[index]
    assert root_of_path(leaves[index], index, size, path) == tree.root()
    assert root_of_path(leaf_hash(b"another"), index, size, path) != tree.root()
    if size > 1:
        assert root_of_path(leaves[index], (index + 1) % size, size, path) != tree.root()
        assert root_of_path(leaves[index], index, size, path[:-1]) != tree.root()
    assert root_of_path(leaves[index], index, size, [*path, b"x" * 32]) is None


@given(st.lists(st.binary(max_size=4), min_size=1, max_size=20), st.data())
def test_the_root_changes_with_any_leaf_and_with_their_order(leaves, data):
    at = data.draw(st.integers(0, len(leaves) - 1))
    changed = [*leaves[:at], leaves[at] + b"x", *leaves[at + 1 :]]
    assert merkle_root(changed) != merkle_root(leaves)
    assert merkle_root([*leaves, b"one more"]) != merkle_root([b"one more", *leaves]) or set(leaves) == {
        b"one more"
    }
