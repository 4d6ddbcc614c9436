"""What each topic, service and action is, in one line: names and types stand in the nodes.

A test asks the nodes for all they have, and fails where a line is missing or stands for nothing.
"""

from __future__ import annotations

TEXTS = {
    "/image": "images of the wrist camera; frame and time of exposure in the header",
    "/image/compressed": "images of the wrist camera as JPEG or PNG",
    "/camera_info": "calibration of the wrist camera, in pixels of the full image",
    "/depth_image": "distances, registered to `image`: 16UC1 in mm or 32FC1 in m",
    "/desired_image": "the picture to return to; transparent where the scene is hidden",
    "/matches": (
        "a point for each desired keypoint: `x`, `y` where it is seen and `x_desired`, `y_desired` "
        "where it is to be, in the normalized plane, `matched`, and `deviation`, the standard "
        "deviation of its place (not a number where unknown); header of the image"
    ),
    "/twist": (
        "velocity of the camera in its optical frame, m/s and rad/s, stamped when it is sent"
    ),
    "/tcp_pose": "measured pose of the camera in `base_frame`, m, stamped when it was measured",
    "/joint_states": "joints by name, rad and rad/s; a gripper's may be among them",
    "/twist_commands": "velocity of the flange in `base_frame`, m/s and rad/s",
    "/delta_twist_cmds": "velocity of `servo_link` in its own frame, m/s and rad/s",
    "/diagnostics": "how each node is, once a second and whenever its level changes",
    "/observer/goal": "the desired image in use",
    "/observer/mask": "what is left out of every image: black there; nothing without a mask",
    "/observer/debug_image": "the image with its matches, while somebody listens",
    "/observer/left_out": (
        "what it obeys of `controller/left_out`; header of the first image looked at so"
    ),
    "/observer/desired": (
        "what has become of the last `desired_image`, told by the value `stamp`, and why"
    ),
    "/observer/set_desired": "what the camera sees now becomes the desired image",
    "/observer/learn_mask": "finds out, after a short motion, what hides the scene in every image",
    "/controller/status": "`idle`, `servoing`, `lost`, `converged` or `diverged`, and figures",
    "/controller/left_out": (
        "as `matches`, but `matched` are keypoints that are not the scene's and are not to be "
        "looked for; whenever that changes"
    ),
    "/controller/graph": "keypoints, clusters and edges, while somebody listens",
    "/controller/structure": "points of known place, the goal and its bound, while heard",
    "/controller/motion": "path, twist and status in words, while somebody listens",
    "/controller/trace": "each call of the servo session as JSON, for the replay, while heard",
    "/controller/start": "begins an episode towards the desired keypoints; twists follow",
    "/controller/stop": "ends the episode with zero twists",
    "/controller/reset": "clears the controller's memory; an episode under way begins anew",
    "/ur_driver/status": (
        "`disconnected`, `disarmed`, `armed`, `stopping` or `faulted`, with cause and figures"
    ),
    "/ur_driver/arm": "takes control of the arm, which follows the twists from now on",
    "/ur_driver/disarm": "stops the arm and gives control back; clears a fault",
    "/supervisor/servo": "servoes to one goal, and ends with the arm stopped",
    "/supervisor/servo_sequence": "servoes to saved goals one after the other",
    "/supervisor/save_goal": (
        "saves what the camera sees now, for which `image` and `tcp_pose` are heard"
    ),
    "/supervisor/list_goals": "the saved goals, and what is wrong with any",
    "/supervisor/load_goal": "makes a saved goal the desired image",
    "/supervisor/rename_goal": "renames one",
    "/supervisor/delete_goal": "deletes one",
    "/hand_eye/status": "how the last call ended, and what the views amount to",
    "/hand_eye/capture": "takes a view of the board, with the arm at rest",
    "/hand_eye/discard": "takes the last view back",
    "/hand_eye/solve": "solves, judges and writes the file, or says why not",
    "/twin/ground_truth": "true pose of the camera in `base`, m; for measuring only",
}
"""Full name in the graph: what it carries or does, with its units."""

FRAMES = (
    ("cns_ros.nodes.driver_settings:DriverSettings.base_frame", "", "of `tcp_pose`"),
    (
        "cns_ros.nodes.driver_settings:MountSettings.flange_frame",
        "`ur_driver` on `/tf`, with `backend: ur_rtde` and `flange_tf`",
        "the flange, below `base`; the hand-eye file names it otherwise",
    ),
    (
        "cns_ros.nodes.driver_settings:MountSettings.camera_frame",
        "`ur_driver` on `/tf_static`, with `camera_tf`",
        "the camera (z forward, x right, y down), below the flange; named as the flange",
    ),
    (
        "cns_ros.nodes.screen_settings:ScreenSettings.goal_frame",
        "`controller` on `/tf`, while structure knows it",
        "the desired camera, below the camera's frame",
    ),
)
"""The setting whose default names the frame, who tells it, and what it is."""
