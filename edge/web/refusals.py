"""What a refusal says where its own words are English and numbers: a sentence by its code."""

from __future__ import annotations

from edge.web.language import marked

GENERAL = {
    "backup_damaged": marked("The backup is damaged."),
    "backup_failed": marked("The backup could not be made. Is the disk for it plugged in?"),
    "backup_folder": marked("There is no such folder for backups. Is the disk plugged in?"),
    "bad_signature": marked(
        "The model's signature is wrong: it was altered, or signed by another."
    ),
    "blank": marked("The image is blank: every pixel has the same brightness."),
    "codec_missing": marked(
        "The DICOM file is compressed in a way that this kiosk was not installed for. Export it "
        "uncompressed."
    ),
    "colour": marked("The DICOM file holds no grey picture, so no radiograph."),
    "damaged": marked("The file is damaged. Export it again."),
    "deflated": marked("This kiosk does not unpack deflated DICOM files. Export it uncompressed."),
    "disk_full": marked("The disk is full. Nothing was stored. Make room, or delete old records."),
    "empty_file": marked("The file is empty."),
    "file_missing": marked("A file of the model is missing."),
    "file_too_large": marked("The file is too large."),
    "folder_unreadable": marked("The folder cannot be read. Is the stick plugged in?"),
    "hash_mismatch": marked("A file of the model was altered or is damaged."),
    "invalid_field": marked("What was typed cannot be taken. Look at it again."),
    "manifest_invalid": marked("The model's manifest is damaged."),
    "manifest_missing": marked("There is no model in its folder."),
    "model_failed": marked("The model gave no answer for this image."),
    "model_unusable": marked("The model cannot be loaded on this machine."),
    "no_image": marked("No image was sent. Choose a JPEG, PNG or DICOM file."),
    "no_pin": marked("No PIN is set for this role."),
    "no_pixel_data": marked("The DICOM file holds no picture."),
    "no_room": marked("The kiosk has no memory or disk left to read the file."),
    "not_for_presentation": marked(
        "The DICOM file holds raw detector data. Send the picture made for viewing."
    ),
    "records_in_use": marked("The records are in use by another program."),
    "records_unavailable": marked("The records cannot be used. Nothing was screened."),
    "self_test_failed": marked("The model failed its self-test."),
    "several_frames": marked("The DICOM file holds several pictures. Send a single radiograph."),
    "several_images": marked("Send one image at a time."),
    "too_many_attempts": marked("There were too many wrong PINs. Wait, then try again."),
    "too_many_pixels": marked("The image has too many pixels."),
    "too_small": marked("The image has very few pixels. Use the original file, not a small copy."),
    "truncated": marked("The file is cut short. Copy or export it again."),
    "unreadable_file": marked("The file cannot be read."),
    "unsigned": marked("The model is not signed."),
    "unsupported_format": marked("The file is no JPEG, PNG or DICOM image."),
    "unsupported_pixels": marked("This kiosk does not read the DICOM file's kind of pixels."),
    "unsupported_transfer_syntax": marked(
        "This kiosk does not read the DICOM file's compression. Export it uncompressed."
    ),
    "weak_pin": marked("This PIN is too short or too simple."),
    "worker_died": marked("The kiosk ran out of memory at this file."),
    "wrong_modality": marked("The DICOM file is no plain radiograph."),
    "wrong_pin": marked("That is not the PIN."),
}
"""For other languages than English, in which a refusal's own words say more."""
