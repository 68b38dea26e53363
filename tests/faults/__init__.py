"""The fault cases F01 to F95, and a test of each; `test_table.py` checks this list.

Files are in this folder; paths with a / are relative to the folder above it, and ../ is that folder itself.

F01 zero-byte file: test_files.py::test_f01_an_empty_file
F02 compressed file cut: test_files.py::test_f02_a_compressed_file_cut_in_half
F03 plain file cut: test_files.py::test_f03_a_plain_file_cut
F04 flipped byte: test_files.py::test_f04_a_flipped_byte_inside_gzip
F05 web page: test_files.py::test_f05_a_web_page_under_the_name_of_a_scan
F06 bytes after the end: test_files.py::test_f06_bytes_after_the_stream_are_a_warning_and_change_no_voxel
F07 header: 32767 cubed: test_headers.py::test_f07_a_header_of_32767_cubed_and_f09_a_bomb_use_no_memory
F08 zero or negative dimension: test_headers.py::test_f08_dimensions_that_cannot_be
F09 gzip bomb: test_headers.py::test_f09_a_bomb_must_not_be_trusted
F10 NaN inside the brain: test_voxels.py::test_f10_nan_or_inf_inside_the_brain
F11 NaN outside the brain: test_voxels.py::test_f11_nan_outside_the_brain_is_set_to_zero_and_counted
F12 constant volume: test_voxels.py::test_f12_an_image_without_contrast
F13 empty brain mask: test_voxels.py::test_f13_an_empty_brain_mask
F14 brain of unusual size: test_voxels.py::test_f14_a_brain_of_unusual_size_is_a_warning_and_with_strict_an_error
F15 mask of another shape: test_places.py::test_f15_a_mask_of_another_shape_is_an_error_with_both_shapes
F16 mask half a voxel off: test_places.py::test_f16_a_mask_half_a_voxel_off_is_read_on_its_image
F17 mask elsewhere or flipped: test_places.py::test_f17_a_mask_farther_off_is_refused
F18 other orientation: test_places.py::test_f18_all_48_orientations_of_a_scan_are_prepared_to_the_same_voxels
F19 unusable affine: test_places.py::test_f19_an_affine_that_spans_no_volume
F20 no orientation: test_places.py::test_f20_no_orientation_at_all_is_not_guessed
F21 one frame in 4-D: test_places.py::test_f21_one_frame_in_four_dimensions_is_read_as_a_volume
F22 three frames in 4-D: test_places.py::test_f22_three_frames_are_refused_with_their_shape
F23 values of lesion masks: test_lesions.py::test_f23_a_lesion_is_every_value_above_zero
F24 empty lesion mask: test_lesions.py::test_f24_an_empty_lesion_mask_is_counted_and_changes_no_mean
F25 lesion is all of the brain: test_lesions.py::test_f25_a_lesion_of_the_whole_brain_fails_the_check_and_is_measured
F26 lesions outside the brain: test_lesions.py::test_f26_lesion_voxels_outside_the_brain_count_as_missed
F27 missing modality: test_lesions.py::test_f27_cases_that_lack_a_modality_are_left_out_only_on_demand
F28 subject twice: test_people.py::test_f28_one_subject_on_two_rows_is_refused_and_the_others_are_not
F29 one scan, two ids: test_people.py::test_f29_the_same_voxels_in_two_roles_stop_a_run
F30 test subject in train: test_people.py::test_f30_a_subject_in_train_and_test_stops_a_run_before_any_work
F31 tables as people save them: test_people.py::test_f31_a_split_table_is_read_however_it_was_saved
F32 invalid ids: test_people.py::test_f32_an_id_that_could_leave_its_folder_is_not_trusted
F33 links out of the data: test_folders.py::test_f33_links_out_of_the_data_are_ignored_with_a_warning
F34 read-only data: test_folders.py::test_f34_data_that_may_not_be_written_to_is_enough
F35 file without permission: test_files.py::test_f35_a_file_that_may_not_be_read
F36 archive names: test_archives.py::test_f36_f37_f38_a_hostile_archive_is_refused_before_a_byte_is_written
F37 archive links: test_archives.py::test_f36_f37_f38_a_hostile_archive_is_refused_before_a_byte_is_written
F38 archive bombs: test_archives.py::test_f36_f37_f38_a_hostile_archive_is_refused_before_a_byte_is_written
F39 archive another digest: cli/test_data.py::test_f39_a_refused_import_is_one_line_and_leaves_nothing
F40 killed while unpacking: data/archive/test_unpack.py::test_f40_kill_while_extracting_equals_undisturbed
F41 two processes, one entry: prepare/cache/test_prepared_case.py::test_f41_two_processes_that_race_end_with_one_entry
F42 checkpoint with code: method/test_checkpoint.py::test_f42_a_checkpoint_that_holds_code_is_refused_and_runs_nothing
F43 checkpoint cut: method/test_checkpoint.py::test_f43_the_checkpoint_before_a_damaged_one_is_used_with_a_warning
F44 model flipped: pipeline/test_replace_results.py::test_f44_a_model_changed_before_the_seal_is_refused
F45 checkpoint of another one: method/test_checkpoint.py::test_f45_a_checkpoint_of_another_method_is_refused_in_one_line
F46 loss not finite: method/test_training_loop.py::test_f46_any_loss_that_is_not_finite_ends_the_training
F47 killed while saving: method/test_checkpoint.py::test_f47_a_kill_while_a_checkpoint_is_saved_loses_none
F48 killed while training: pipeline/test_run.py::test_f48_f77_f78_a_run_that_was_killed_resumes_to_the_same_bits
F49 other configuration: test_runs.py::test_f49_another_configuration_is_another_run_and_resumes_nothing
F50 complete run resumed: pipeline/test_run.py::test_f50_a_complete_run_is_left_alone_and_fresh_makes_it_again
F51 plug-in fails on import: ../test_plugins.py::test_f51_a_plugin_that_fails_on_import_is_listed_and_the_others_stay
F52 failing case: pipeline/test_failing_cases.py::test_f52_others_are_scored_and_no_metric_is_of_the_easy_ones
F53 method hangs: pipeline/test_failing_cases.py::test_f53_f54_a_case_that_hangs_or_crashes_costs_itself
F54 method crashes: pipeline/test_failing_cases.py::test_f53_f54_a_case_that_hangs_or_crashes_costs_itself
F55 map of another shape: test_maps.py::test_f55_a_map_of_another_shape_is_never_broadcast
F56 map with NaN: test_maps.py::test_f56_nan_and_infinity_in_the_brain_are_counted_and_refused
F57 constant map: test_maps.py::test_f57_a_constant_map_is_warned_of_and_gets_the_prevalence
F58 types of scores: test_maps.py::test_f58_any_width_of_number_keeps_its_ranks
F59 tensors and views: method/test_guard.py::test_f59_tensors_bools_and_other_strides_are_accepted
F60 input written: pipeline/test_failing_cases.py::test_f60_writing_through_torch_is_an_error_and_not_a_crash
F61 method changes the process: pipeline/test_failing_cases.py::test_f61_the_process_is_as_before
F62 one name twice: ../test_plugins.py::test_f62_two_plugins_with_one_name_keep_the_first_and_name_both
F63 other plug-in API: ../test_plugins.py::test_f63_a_hook_of_another_version_is_refused_by_name
F64 hostile names: ../test_plugins.py::test_f64_a_name_that_would_hurt_a_table_is_listed_as_broken
F65 labels from a scan: ../test_firewall.py::test_f65_a_scan_leads_to_no_file
F66 metrics by the method: test_runs.py::test_f66_what_a_method_says_of_its_metrics_is_never_read
F67 YAML tags: support/test_strict_yaml.py::test_f67_a_tag_that_would_run_code_is_refused
F68 YAML bombs: support/test_strict_yaml.py::test_f68_a_large_file_is_refused_before_it_is_read
F69 duplicate key: support/test_strict_yaml.py::test_f69_a_key_that_stands_twice_is_an_error_with_both_lines
F70 unknown key: ../test_config.py::test_f70_a_wrong_key_or_value_is_named_with_what_would_be_right
F71 types in YAML: support/test_strict_yaml.py::test_f71_numbers_are_numbers
F72 numbers out of range: cli/test_odd_machines.py::test_f72_seeds_that_cannot_be_are_refused_at_once
F73 full disk: cli/test_odd_machines.py::test_f73_a_full_disk_is_refused_before_any_work
F74 output folder: cli/test_odd_machines.py::test_f74_a_folder_that_cannot_be_written_is_refused_before_any_work
F75 little memory: evaluate/test_engine.py::test_f75_little_memory_changes_no_number
F76 no GPU: test_runs.py::test_f76_a_gpu_that_is_not_there_is_named_before_any_work
F77 SIGINT: pipeline/test_run.py::test_f48_f77_f78_a_run_that_was_killed_resumes_to_the_same_bits
F78 SIGTERM: pipeline/test_run.py::test_f48_f77_f78_a_run_that_was_killed_resumes_to_the_same_bits
F79 one run, two processes: results/test_run_lock.py::test_f79_the_message_names_process_and_host
F80 locale, folder: leaderboard/render/test_render.py::test_f80_the_bytes_depend_on_no_locale_clock_seed_or_folder
F81 one seed twice: pipeline/test_run.py::test_f81_two_runs_with_one_seed_are_equal_to_the_bit_and_another_seed_is_not
F82 one and two threads: test_runs.py::test_f82_one_and_two_threads_agree_and_are_recorded
F83 order, workers: evaluate/test_engine.py::test_f83_the_order_of_the_cases_changes_nothing
F84 no network: test_runs.py::test_f84_nothing_reaches_for_a_network
F85 edited result: test_results.py::test_f85_an_edited_number_is_refused_and_the_others_stay
F86 other protocol: test_results.py::test_f86_another_protocol_is_another_table_with_the_reason
F87 failed seed: test_results.py::test_f87_a_failed_seed_is_counted_and_reported_and_the_method_not_ranked
F88 one seed: test_results.py::test_f88_one_seed_has_no_deviation
F89 foreign files: test_results.py::test_f89_half_written_and_foreign_files_are_skipped
F90 NaN in JSON: test_results.py::test_f90_undefined_is_null_with_a_reason_in_strict_json
F91 ties: test_results.py::test_f91_equal_methods_are_in_the_order_of_their_names_and_few_patients_have_no_ranks
F92 no results: test_results.py::test_f92_no_results_are_a_valid_empty_table
F93 very many runs: leaderboard/test_aggregate.py::test_f93_work_grows_with_the_number_of_runs_and_not_with_its_square
F94 foreign maps: test_results.py::test_f94_a_map_that_must_not_be_trusted_is_refused_and_runs_nothing
F95 threshold of test cases: test_results.py::test_f95_a_threshold_set_on_test_cases_is_refused
"""
