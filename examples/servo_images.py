"""Servo with the library alone: images in, camera twists out.

python examples/servo_images.py
"""

from moving_camera import CAMERA, PERIOD_S, MovingCamera

from cns_core import VisualServo

camera = MovingCamera()
with VisualServo(CAMERA) as servo:
    servo.set_desired(camera.image(), depth_prior=0.6)
    camera.jump([0.08, 0.05, -0.10, 0.1, -0.15, 0.6])
    print("start:", camera.error())
    for frame in range(600):
        step = servo.step(camera.image(), time=frame * PERIOD_S)
        camera.move(step.twist)
        if frame % 25 == 0:
            print(f"{frame * PERIOD_S:4.1f} s  {step.status}  {camera.error()}")
        if step.status == "converged":
            break
print(f"{step.status}: {camera.error()}")
