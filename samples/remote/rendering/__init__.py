"""A small renderer of table-top scenes, which draws the shipped data set.

Everything that lies on the table is a convex prism (`shapes.Solid`) with a
drawn top face; `remotes` and `clutter` make them, `surfaces` makes the table,
`composition` lays them out at random and `scene` renders them through a
pinhole camera, together with the outline of what stays visible of each.

Lengths are millimetres, angles radians, images uint8 RGB. World coordinates
are (x, y, z) with the table at z = 0; a solid's own are (x, y) with y towards
the lower end of its face. Points are (x, y), as OpenCV has them.
"""
