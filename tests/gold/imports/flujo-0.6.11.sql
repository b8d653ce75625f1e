BEGIN TRANSACTION;
CREATE TABLE evaluations (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        run_id TEXT NOT NULL,
                        step_name TEXT,
                        score REAL NOT NULL,
                        feedback TEXT,
                        metadata TEXT,
                        created_at TEXT NOT NULL DEFAULT (DATETIME('now')),
                        FOREIGN KEY (run_id) REFERENCES runs(run_id) ON DELETE CASCADE
                    );
CREATE TABLE runs (
                        run_id TEXT PRIMARY KEY,
                        pipeline_id TEXT NOT NULL,
                        pipeline_name TEXT NOT NULL,
                        pipeline_version TEXT NOT NULL,
                        status TEXT NOT NULL,
                        created_at TEXT NOT NULL,
                        updated_at TEXT NOT NULL,
                        execution_time_ms INTEGER,
                        memory_usage_mb REAL,
                        total_steps INTEGER DEFAULT 0,
                        error_message TEXT
                    , "end_time" TEXT, "total_cost" REAL, "final_context_blob" TEXT);
INSERT INTO "runs" VALUES('run_ddae61045a4249d9b10425271be97608','aa9b0222-45fe-4515-b2e5-6faca85e25ff','unnamed_20261121_222951','latest','failed','2026-11-21T22:29:54.144517+00:00','2026-11-21T22:29:54.251247+00:00',NULL,NULL,0,NULL,NULL,NULL,NULL);
CREATE TABLE spans (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        run_id TEXT NOT NULL,
                        span_id TEXT NOT NULL,
                        parent_span_id TEXT,
                        name TEXT NOT NULL,
                        start_time REAL NOT NULL,
                        end_time REAL,
                        status TEXT NOT NULL,
                        attributes TEXT,
                        created_at TEXT NOT NULL,
                        FOREIGN KEY (run_id) REFERENCES runs(run_id) ON DELETE CASCADE
                    );
INSERT INTO "spans" VALUES(1,'run_ddae61045a4249d9b10425271be97608','16a87c25-ecf3-46c2-ab89-8782a9ab20b4',NULL,'pipeline_run',82238.556659536,82238.6108948,'failed','{"flujo.input":"hello","flujo.run_id":"run_ddae61045a4249d9b10425271be97608","flujo.pipeline.name":"unnamed_20261121_222951","flujo.pipeline.version":"latest"}','2026-11-21 22:29:54');
INSERT INTO "spans" VALUES(2,'run_ddae61045a4249d9b10425271be97608','bcd9f1c7-5b4c-4ee6-9f72-301a26d70231','16a87c25-ecf3-46c2-ab89-8782a9ab20b4','up',82238.557130928,82238.55976608,'completed','{"flujo.step.type":"Step","step_input":"hello","flujo.step.policy":"DefaultAgentStepExecutor","flujo.cache.hit":false,"success":true,"latency_s":0.000777046,"flujo.budget.actual_cost_usd":0.0,"flujo.budget.actual_tokens":1}','2026-11-21 22:29:54');
INSERT INTO "spans" VALUES(3,'run_ddae61045a4249d9b10425271be97608','16b940ed-1ddc-4d8c-ba24-905decbba3f2','16a87c25-ecf3-46c2-ab89-8782a9ab20b4','bad',82238.58129943,82238.584585331,'failed','{"flujo.step.type":"Step","step_input":"HELLO","flujo.step.policy":"DefaultAgentStepExecutor","flujo.cache.hit":false,"success":false,"latency_s":0.000483179,"flujo.budget.actual_cost_usd":0.0,"flujo.budget.actual_tokens":0,"feedback":"Agent execution failed with ValueError: no such city: HELLO"}','2026-11-21 22:29:54');
CREATE TABLE steps (
                        id INTEGER PRIMARY KEY AUTOINCREMENT,
                        run_id TEXT NOT NULL,
                        step_name TEXT NOT NULL,
                        step_index INTEGER NOT NULL,
                        status TEXT NOT NULL,
                        output TEXT,
                        raw_response TEXT,
                        cost_usd REAL,
                        token_counts INTEGER,
                        execution_time_ms INTEGER,
                        created_at TEXT NOT NULL,
                        FOREIGN KEY (run_id) REFERENCES runs(run_id) ON DELETE CASCADE
                    );
INSERT INTO "steps" VALUES(1,'run_ddae61045a4249d9b10425271be97608','up',0,'completed','"HELLO"',NULL,NULL,NULL,NULL,'2026-11-21T22:29:54.185356+00:00');
INSERT INTO "steps" VALUES(2,'run_ddae61045a4249d9b10425271be97608','bad',1,'failed','null',NULL,NULL,NULL,NULL,'2026-11-21T22:29:54.211414+00:00');
CREATE TABLE system_state (
                        key TEXT PRIMARY KEY,
                        value TEXT NOT NULL,
                        updated_at TEXT NOT NULL
                    );
CREATE TABLE traces (
                        run_id TEXT PRIMARY KEY,
                        trace_data TEXT NOT NULL,
                        created_at TEXT NOT NULL,
                        FOREIGN KEY (run_id) REFERENCES runs(run_id) ON DELETE CASCADE
                    );
CREATE TABLE workflow_state (
                        run_id TEXT PRIMARY KEY,
                        pipeline_id TEXT NOT NULL,
                        pipeline_name TEXT NOT NULL,
                        pipeline_version TEXT NOT NULL,
                        current_step_index INTEGER NOT NULL,
                        pipeline_context TEXT,
                        last_step_output TEXT,
                        step_history TEXT,
                        status TEXT NOT NULL,
                        created_at TEXT NOT NULL,
                        updated_at TEXT NOT NULL,
                        total_steps INTEGER DEFAULT 0,
                        error_message TEXT,
                        execution_time_ms INTEGER,
                        memory_usage_mb REAL,
                        metadata TEXT,
                        is_background_task INTEGER DEFAULT 0,
                        parent_run_id TEXT,
                        task_id TEXT,
                        background_error TEXT
                    );
INSERT INTO "workflow_state" VALUES('run_ddae61045a4249d9b10425271be97608','unknown','unknown','latest',2,'{"run_id":"run_ddae61045a4249d9b10425271be97608","initial_prompt":"hello","import_artifacts":{"result":null,"marker":null,"counter":null,"value":null,"initial_input":null,"child_echo":null,"final_sql":null,"concept_sets":[],"cohort_definition":null,"captured":null,"captured_sp":{},"captured_prompt":null,"extras":{}},"hitl_history":[],"command_log":[],"conversation_history":[],"call_count":0,"status":"running","pause_message":null,"step_outputs":{"up":"HELLO"},"current_state":null,"next_state":null,"paused_step_input":null,"user_input":null,"hitl_data":{},"loop_iteration_index":null,"loop_step_index":null,"loop_last_output":null,"loop_resume_requires_hitl_output":false,"loop_paused_step_name":null,"granular_state":null,"tree_search_state":null,"is_background_task":false,"task_id":null,"parent_run_id":null,"background_error":null,"background_error_category":null,"solution":null,"checklist":null,"_artifacts":[],"current_step":"bad","current_step_index":1}',NULL,'[{"name":"up","output":"HELLO","success":true,"attempts":1,"latency_s":0.000777046,"token_counts":1,"cost_usd":0.0,"feedback":null,"branch_context":{"run_id":"run_ddae61045a4249d9b10425271be97608","initial_prompt":"hello","import_artifacts":{"result":null,"marker":null,"counter":null,"value":null,"initial_input":null,"child_echo":null,"final_sql":null,"concept_sets":[],"cohort_definition":null,"captured":null,"captured_sp":{},"captured_prompt":null,"extras":{}},"hitl_history":[],"command_log":[],"conversation_history":[],"call_count":0,"status":"running","pause_message":null,"step_outputs":{"up":"HELLO"},"current_state":null,"next_state":null,"paused_step_input":null,"user_input":null,"hitl_data":{},"loop_iteration_index":null,"loop_step_index":null,"loop_last_output":null,"loop_resume_requires_hitl_output":false,"loop_paused_step_name":null,"granular_state":null,"tree_search_state":null,"is_background_task":false,"task_id":null,"parent_run_id":null,"background_error":null,"background_error_category":null,"solution":null,"checklist":null,"_artifacts":[],"current_step":"bad","current_step_index":1},"metadata_":{},"step_history":[]},{"name":"bad","output":null,"success":false,"attempts":2,"latency_s":0.000483179,"token_counts":0,"cost_usd":0.0,"feedback":"Agent execution failed with ValueError: no such city: HELLO","branch_context":null,"metadata_":{"on_step_failure_dispatched":true},"step_history":[]}]','failed','2026-11-21T22:29:54.233807+00:00','2026-11-21T22:29:54.233807+00:00',0,NULL,NULL,NULL,'{}',0,NULL,NULL,NULL);
DELETE FROM "sqlite_sequence";
INSERT INTO "sqlite_sequence" VALUES('steps',2);
INSERT INTO "sqlite_sequence" VALUES('spans',3);
COMMIT;
