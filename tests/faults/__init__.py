"""The fault cases F01 to F41 of bad input, and the test of each; `test_table.py` checks this list.

Files are in this folder; paths are relative to the folder above it.

F01 zero-byte file              test_files.py::test_f01_an_empty_file
F02 compressed file cut         test_files.py::test_f02_a_compressed_file_cut_in_half
F03 plain file cut              test_files.py::test_f03_a_plain_file_cut
F04 flipped byte                test_files.py::test_f04_a_flipped_byte_inside_gzip
F05 web page                    test_files.py::test_f05_a_web_page_under_the_name_of_a_scan
F06 bytes after the end         test_files.py::test_f06_bytes_after_the_stream_are_a_warning_and_change_no_voxel
F07 header: 32767 cubed         test_headers.py::test_f07_a_header_of_32767_cubed_and_f09_a_bomb_use_no_memory
F08 zero or negative dimension  test_headers.py::test_f08_dimensions_that_cannot_be
F09 gzip bomb                   test_headers.py::test_f09_a_bomb_must_not_be_trusted
F10 NaN inside the brain        test_voxels.py::test_f10_nan_or_inf_inside_the_brain
F11 NaN outside the brain       test_voxels.py::test_f11_nan_outside_the_brain_is_set_to_zero_and_counted
F12 constant volume             test_voxels.py::test_f12_an_image_without_contrast
F13 empty brain mask            test_voxels.py::test_f13_an_empty_brain_mask
F14 brain of unusual size       test_voxels.py::test_f14_a_brain_of_unusual_size_is_a_warning_and_with_strict_an_error
F15 mask of another shape       test_places.py::test_f15_a_mask_of_another_shape_is_an_error_with_both_shapes
F16 mask half a voxel off       test_places.py::test_f16_a_mask_half_a_voxel_off_is_read_on_its_image
F17 mask elsewhere or flipped   test_places.py::test_f17_a_mask_farther_off_is_refused
F18 other orientation           test_places.py::test_f18_all_48_orientations_of_a_scan_are_prepared_to_the_same_voxels
F19 unusable affine             test_places.py::test_f19_an_affine_that_spans_no_volume
F20 no orientation              test_places.py::test_f20_no_orientation_at_all_is_not_guessed
F21 one frame in 4-D            test_places.py::test_f21_one_frame_in_four_dimensions_is_read_as_a_volume
F22 three frames in 4-D         test_places.py::test_f22_three_frames_are_refused_with_their_shape
F23 values of lesion masks      test_lesions.py::test_f23_a_lesion_is_every_value_above_zero
F24 empty lesion mask           test_lesions.py::test_f24_an_empty_lesion_mask_is_counted_and_changes_no_mean
F25 lesion is all of the brain  test_lesions.py::test_f25_a_lesion_of_the_whole_brain_fails_the_check_and_is_measured
F26 lesions outside the brain   test_lesions.py::test_f26_lesion_voxels_outside_the_brain_count_as_missed
F27 missing modality            test_lesions.py::test_f27_cases_that_lack_a_modality_are_left_out_only_on_demand
F28 subject twice               test_people.py::test_f28_one_subject_on_two_rows_is_refused_and_the_others_are_not
F29 one scan, two ids           test_people.py::test_f29_the_same_voxels_in_two_roles_stop_a_run
F30 test subject in train       test_people.py::test_f30_a_subject_in_train_and_test_stops_a_run_before_any_work
F31 tables as people save them  test_people.py::test_f31_a_split_table_is_read_however_it_was_saved
F32 invalid ids                 test_people.py::test_f32_an_id_that_could_leave_its_folder_is_not_trusted
F33 links out of the data       test_folders.py::test_f33_links_out_of_the_data_are_ignored_with_a_warning
F34 read-only data              test_folders.py::test_f34_data_that_may_not_be_written_to_is_enough
F35 file without permission     test_files.py::test_f35_a_file_that_may_not_be_read
F36 archive: names              test_archives.py::test_f36_f37_f38_a_hostile_archive_is_refused_before_a_byte_is_written
F37 archive: links              test_archives.py::test_f36_f37_f38_a_hostile_archive_is_refused_before_a_byte_is_written
F38 archive: bombs              test_archives.py::test_f36_f37_f38_a_hostile_archive_is_refused_before_a_byte_is_written
F39 archive: another digest     cli/test_data.py::test_f39_a_refused_import_is_one_line_and_leaves_nothing
F40 killed while unpacking      data/archive/test_unpack.py::test_f40_kill_while_extracting_equals_undisturbed
F41 two processes, one entry    prepare/cache/test_prepared_case.py::test_two_processes_that_race_end_with_one_entry
"""
