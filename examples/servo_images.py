"""Servo with the library alone: images in, camera twists out.

python examples/servo_images.py
"""

from moving_camera import CAMERA, PERIOD_S, MovingCamera

from cns_core import VisualServo

camera = MovingCamera()
with VisualServo(CAMERA, terminal="structure") as servo:
    servo.set_desired(camera.image(), depth_prior="auto")
    camera.jump([0.08, 0.05, -0.10, 0.1, -0.15, 0.6])
    print("start:", camera.error())
    for frame in range(600):
        # The camera's pose, as an arm would measure it, tells the scale; None where there is none.
        step = servo.step(camera.image(), time=frame * PERIOD_S, camera_pose=camera.pose)
        camera.move(step.twist)
        if frame % 25 == 0:
            print(f"{frame * PERIOD_S:4.1f} s  {step.status}  {camera.error()}")
        if step.status == "converged":
            break
bound_mm = step.remaining.translation_bound_mm if step.remaining else float("nan")
print(f"{step.status}, within {bound_mm:.2f} mm of where it says: {camera.error()}")
