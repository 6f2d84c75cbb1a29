"""OBJ and MTL files as they come: polygons, negative indices, missing normals."""

import numpy as np

from simulator.objfile import read_obj


def test_polygons_become_fans_and_negative_indices_count_back(tmp_path):
    (tmp_path / "a.obj").write_text(
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nusemtl red\nf 1 2 3 4\nusemtl blue\nf -4 -3 -2\n"
    )

    red, blue = read_obj(tmp_path / "a.obj")

    assert (red.material.name, len(red.positions)) == ("red", 6)
    assert (blue.material.name, len(blue.positions)) == ("blue", 3)
    np.testing.assert_allclose(blue.positions, [[0, 0, 0], [1, 0, 0], [1, 1, 0]])


def test_corners_without_normals_get_their_faces(tmp_path):
    (tmp_path / "a.obj").write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nvn 0 0 0\nf 1//1 2//1 3//1\n")

    (part,) = read_obj(tmp_path / "a.obj")

    np.testing.assert_allclose(part.normals, [[0, 0, 1]] * 3, atol=1e-6)


def test_materials_carry_colour_and_existing_textures_only(tmp_path):
    (tmp_path / "t.png").write_bytes(b"x")
    (tmp_path / "a.mtl").write_text("newmtl a\nKd 0.1 0.2 0.3\nmap_Kd t.png\nnewmtl b\nmap_Kd gone.png\n")
    (tmp_path / "a.obj").write_text("mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nusemtl a\nf 1 2 3\nusemtl b\nf 1 2 3\n")

    a, b = read_obj(tmp_path / "a.obj")

    assert a.material.diffuse == (0.1, 0.2, 0.3)
    assert a.material.texture == tmp_path / "t.png"
    assert b.material.texture is None
