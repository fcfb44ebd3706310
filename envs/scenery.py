"""MuJoCo models of the table, the gripper and the things on the table, built from plain geoms.

The gripper hangs on a gantry of three sliding joints. It holds objects by the friction of its two
fingers. Friction is enough: without noise, the script hardly ever loses an object. Nothing is
welded to the hand, so a badly grasped object slips.
"""

import functools

import mujoco

from envs.vision import CONTAINERS

HALF = 0.26  # metres, half a side of the table

SCENE = """
<mujoco model="tabletop">
  <compiler angle="radian" autolimits="true"/>
  <option timestep="0.005" integrator="implicitfast" cone="elliptic" impratio="10"/>
  <size memory="2M"/>
  <default>
    <geom friction="1 0.02 0.002" condim="6" density="300" solref="0.02 1"/>
    <default class="finger">
      <joint type="slide" range="0 0.041" damping="2" armature="0.02"/>
      <position kp="600" dampratio="1" forcerange="-10 10"/>
      <geom type="box" size="0.006 0.012 0.04" pos="0 0 0.028" rgba="0.15 0.15 0.2 1" mass="0.05"
        friction="2 0.05 0.01" condim="6"/>
    </default>
    <default class="gantry">
      <joint type="slide" armature="0.5"/>
      <position kp="10000" dampratio="1" forcerange="-120 120"/>
    </default>
  </default>
  <worldbody>
    <geom name="table" type="box" size="{half} {half} 0.02" pos="0 0 -0.02" group="1"/>
    <body name="hand" gravcomp="1">
      <joint name="x" class="gantry" axis="1 0 0"/>
      <joint name="y" class="gantry" axis="0 1 0"/>
      <joint name="z" class="gantry" axis="0 0 1"/>
      <geom type="box" size="0.054 0.014 0.012" pos="0 0 0.08" rgba="0.45 0.45 0.5 1" mass="0.3"/>
      <geom type="cylinder" size="0.016 0.03" pos="0 0 0.12" rgba="0.45 0.45 0.5 1" mass="0.2"/>
      <body name="left" gravcomp="1" pos="-0.047 0 0">
        <joint name="left" class="finger" axis="1 0 0"/>
        <geom name="left" class="finger"/>
      </body>
      <body name="right" gravcomp="1" pos="0.047 0 0">
        <joint name="right" class="finger" axis="-1 0 0"/>
        <geom name="right" class="finger"/>
      </body>
    </body>
    {things}
  </worldbody>
  <actuator>
    <position joint="x" class="gantry"/>
    <position joint="y" class="gantry"/>
    <position joint="z" class="gantry"/>
    <position joint="left" class="finger"/>
    <position joint="right" class="finger"/>
  </actuator>
</mujoco>
"""

# The geoms of each thing, in the frame of a body that stands on the table at z = 0. Long things lie
# along y, at right angles to the direction in which the fingers close.
GEOMS = {
    "banana": """
      <geom type="capsule" fromto="0 -0.016 0.017 0 0.016 0.017" size="0.016" rgba="1 0.88 0.1 1"/>
      <geom type="capsule" fromto="0 0.016 0.017 0.012 0.038 0.017" size="0.014"
        rgba="1 0.88 0.1 1"/>
      <geom type="capsule" fromto="0 -0.016 0.017 0.012 -0.038 0.017" size="0.014"
        rgba="1 0.88 0.1 1"/>
      <geom type="sphere" pos="0.019 0.05 0.017" size="0.009" rgba="0.35 0.25 0.05 1"/>""",
    "bottle": """
      <geom type="cylinder" pos="0 0 0.035" size="0.021 0.035" rgba="0.1 0.7 0.3 1"/>
      <geom type="cylinder" pos="0 0 0.085" size="0.01 0.016" rgba="0.1 0.7 0.3 1" mass="0.002"/>
      <geom type="cylinder" pos="0 0 0.105" size="0.012 0.006"
        rgba="0.95 0.95 0.9 1" mass="0.002"/>""",
    "sausage": """
      <geom type="capsule" fromto="0 -0.032 0.016 0 0.032 0.016" size="0.016"
        rgba="0.5 0.17 0.1 1"/>""",
    "milk": """
      <geom type="box" pos="0 0 0.035" size="0.021 0.021 0.035" rgba="1 1 1 1"/>
      <geom type="box" pos="0 0 0.078" size="0.012 0.021 0.009"
        rgba="0.15 0.3 0.9 1" mass="0.005"/>""",
    "food": """
      <geom type="box" pos="0 0 0.018" size="0.022 0.034 0.018" rgba="0.55 0.2 0.65 1"/>
      <geom type="box" pos="0 0 0.037" size="0.015 0.02 0.002"
        rgba="0.95 0.8 0.95 1" mass="0.001"/>""",
    "can": """
      <geom type="cylinder" pos="0 0 0.024" size="0.022 0.024" rgba="0.9 0.1 0.1 1"/>
      <geom type="cylinder" pos="0 0 0.05" size="0.019 0.003"
        rgba="0.8 0.82 0.85 1" mass="0.002"/>""",
    "carrot": """
      <geom type="capsule" fromto="0 0.01 0.017 0 0.03 0.017" size="0.017" rgba="1 0.5 0.05 1"/>
      <geom type="capsule" fromto="0 -0.03 0.012 0 0.01 0.016" size="0.012" rgba="1 0.5 0.05 1"/>
      <geom type="ellipsoid" pos="0 0.058 0.017" size="0.014 0.016 0.008" rgba="0.1 0.6 0.15 1"
        mass="0.001"/>""",
    "bowl": """
      <geom type="cylinder" pos="0 0 0.003" size="0.06 0.003" rgba="0.4 0.9 0.9 1"/>
      <geom type="box" pos="0.0620 0.0000 0.018" euler="0 0 0.0000"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="0.0438 0.0438 0.018" euler="0 0 0.7854"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="0.0000 0.0620 0.018" euler="0 0 1.5708"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="-0.0438 0.0438 0.018" euler="0 0 2.3562"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="-0.0620 0.0000 0.018" euler="0 0 3.1416"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="-0.0438 -0.0438 0.018" euler="0 0 3.9270"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="-0.0000 -0.0620 0.018" euler="0 0 4.7124"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>
      <geom type="box" pos="0.0438 -0.0438 0.018" euler="0 0 5.4978"
        size="0.004 0.027 0.018" rgba="0.1 0.6 0.65 1"/>""",
    "plate": """
      <geom type="cylinder" pos="0 0 0.003" size="0.07 0.003" rgba="0.25 0.45 0.85 1"/>
      <geom type="cylinder" pos="0 0 0.005" size="0.05 0.004" rgba="0.93 0.93 0.95 1"/>""",
    "divider-plate": """
      <geom type="box" pos="0 0 0.003" size="0.062 0.062 0.003" rgba="0.98 0.65 0.75 1"/>
      <geom type="box" pos="0 0 0.006" size="0.004 0.062 0.006" rgba="0.8 0.3 0.45 1"/>
      <geom type="box" pos="0 0.064 0.009" size="0.066 0.004 0.009" rgba="0.8 0.3 0.45 1"/>
      <geom type="box" pos="0 -0.064 0.009" size="0.066 0.004 0.009" rgba="0.8 0.3 0.45 1"/>
      <geom type="box" pos="0.064 0 0.009" size="0.004 0.064 0.009" rgba="0.8 0.3 0.45 1"/>
      <geom type="box" pos="-0.064 0 0.009" size="0.004 0.064 0.009" rgba="0.8 0.3 0.45 1"/>""",
}


@functools.cache
def scene(things: tuple[str, ...]) -> mujoco.MjModel:
    """The compiled model of the table with these things.

    All environments of this process share it, so it must not be changed. It contains only the
    things shown: pictures cast no rays at absent things, and nothing has to be hidden out of sight.
    """
    bodies = [
        f'<body name="{name}" mocap="true">{GEOMS[name]}</body>'
        if name in CONTAINERS
        else f'<body name="{name}"><freejoint name="{name}"/>{GEOMS[name]}</body>'
        for name in things
    ]
    return mujoco.MjModel.from_xml_string(SCENE.format(half=HALF, things="\n".join(bodies)))
