BEGIN TRANSACTION;
CREATE TABLE runs (
                        run_id TEXT PRIMARY KEY,
                        pipeline_name TEXT NOT NULL,
                        pipeline_version TEXT NOT NULL,
                        status TEXT NOT NULL,
                        start_time TEXT NOT NULL,
                        end_time TEXT,
                        total_cost REAL,
                        final_context_blob TEXT
                    );
INSERT INTO "runs" VALUES('run_ok','shouting','latest','completed','2026-11-21T21:56:18.151925','2026-11-21T21:56:18.348008',0.0,'{"run_id": "run_ok", "initial_prompt": "hello", "scratchpad": {"status": "completed"}, "hitl_history": [], "command_log": []}');
INSERT INTO "runs" VALUES('run_bad','failing','latest','failed','2026-11-21T21:56:18.375122','2026-11-21T21:56:18.607281',0.0,'{"run_id": "run_bad", "initial_prompt": "hello", "scratchpad": {"status": "failed"}, "hitl_history": [], "command_log": []}');
CREATE TABLE spans (
                        span_id TEXT PRIMARY KEY,
                        run_id TEXT NOT NULL,
                        parent_span_id TEXT,
                        name TEXT NOT NULL,
                        start_time REAL NOT NULL,
                        end_time REAL,
                        status TEXT DEFAULT 'running',
                        attributes TEXT, -- JSON for flexible metadata
                        created_at DATETIME DEFAULT CURRENT_TIMESTAMP,
                        FOREIGN KEY (run_id) REFERENCES runs(run_id) ON DELETE CASCADE,
                        FOREIGN KEY (parent_span_id) REFERENCES spans(span_id) ON DELETE CASCADE
                    );
INSERT INTO "spans" VALUES('14bae6e8-01ff-4caf-97ae-4830c851c81c','run_ok',NULL,'pipeline_root',1.79529817817940473556e+09,NULL,'running','{"initial_input": "hello"}','2026-11-21 21:56:18');
INSERT INTO "spans" VALUES('184f13fa-9ab1-47dc-ba67-247a3958153a','run_ok','14bae6e8-01ff-4caf-97ae-4830c851c81c','up',1.79529817817958498005e+09,1.79529817817991185183e+09,'completed','{"step_type": "Step", "step_input": "hello", "success": true, "attempts": 1, "latency_s": 8.543700096197426e-05, "cost_usd": 0.0, "token_counts": 0}','2026-11-21 21:56:18');
INSERT INTO "spans" VALUES('feb3de49-8664-4352-bb1d-c0cae96b1c6c','run_ok','14bae6e8-01ff-4caf-97ae-4830c851c81c','again',1.79529817820731735231e+09,1.79529817830805373196e+09,'completed','{"step_type": "Step", "step_input": "HELLO", "success": true, "attempts": 1, "latency_s": 6.527701043523848e-05, "cost_usd": 0.0, "token_counts": 0}','2026-11-21 21:56:18');
INSERT INTO "spans" VALUES('9db80496-4a32-4bf1-8002-c1c3138ac113','run_bad',NULL,'pipeline_root',1.79529817842086052894e+09,NULL,'running','{"initial_input": "hello"}','2026-11-21 21:56:18');
INSERT INTO "spans" VALUES('044cc7ca-da06-44e0-8740-575a69b3c93c','run_bad','9db80496-4a32-4bf1-8002-c1c3138ac113','up',1.79529817842097640036e+09,1.79529817842121720318e+09,'completed','{"step_type": "Step", "step_input": "hello", "success": true, "attempts": 1, "latency_s": 6.299400411080569e-05, "cost_usd": 0.0, "token_counts": 0}','2026-11-21 21:56:18');
INSERT INTO "spans" VALUES('d2a83bc9-56ae-47c5-9f58-c5a595d282f3','run_bad','9db80496-4a32-4bf1-8002-c1c3138ac113','bad',1.79529817845141792293e+09,1.79529817855221986771e+09,'failed','{"step_type": "Step", "step_input": "HELLO", "success": false, "attempts": 1, "latency_s": 0.0, "cost_usd": 0.0, "token_counts": 0, "feedback": "no such city: HELLO"}','2026-11-21 21:56:18');
CREATE TABLE steps (
                        step_run_id TEXT PRIMARY KEY,
                        run_id TEXT NOT NULL,
                        step_name TEXT NOT NULL,
                        step_index INTEGER NOT NULL,
                        status TEXT NOT NULL,
                        start_time TEXT NOT NULL,
                        end_time TEXT,
                        duration_ms INTEGER,
                        cost REAL,
                        tokens INTEGER,
                        input_blob TEXT,
                        output_blob TEXT,
                        error_blob TEXT,
                        FOREIGN KEY(run_id) REFERENCES runs(run_id) ON DELETE CASCADE
                    );
INSERT INTO "steps" VALUES('run_ok:0','run_ok','up',0,'completed','2026-11-21T21:56:18.194667','2026-11-21T21:56:18.194668',0,0.0,0,'null','"HELLO"',NULL);
INSERT INTO "steps" VALUES('run_ok:1','run_ok','again',1,'completed','2026-11-21T21:56:18.323191','2026-11-21T21:56:18.323193',0,0.0,0,'null','"HELLO"',NULL);
INSERT INTO "steps" VALUES('run_bad:0','run_bad','up',0,'completed','2026-11-21T21:56:18.435268','2026-11-21T21:56:18.435271',0,0.0,0,'null','"HELLO"',NULL);
INSERT INTO "steps" VALUES('run_bad:1','run_bad','bad',1,'failed','2026-11-21T21:56:18.571245','2026-11-21T21:56:18.571247',0,0.0,0,'null','null','"no such city: HELLO"');
CREATE TABLE workflow_state (
                        run_id TEXT PRIMARY KEY,
                        pipeline_id TEXT NOT NULL,
                        pipeline_name TEXT NOT NULL,
                        pipeline_version TEXT NOT NULL,
                        current_step_index INTEGER NOT NULL DEFAULT 0,
                        pipeline_context TEXT NOT NULL,
                        last_step_output TEXT,
                        step_history TEXT,
                        status TEXT NOT NULL CHECK (status IN ('running', 'paused', 'completed', 'failed', 'cancelled')),
                        created_at TEXT NOT NULL,
                        updated_at TEXT NOT NULL,
                        total_steps INTEGER DEFAULT 0,
                        error_message TEXT,
                        execution_time_ms INTEGER,
                        memory_usage_mb REAL
                    );
INSERT INTO "workflow_state" VALUES('run_ok','unknown','unknown','latest',2,'{"run_id": "run_ok", "initial_prompt": "hello", "scratchpad": {"status": "completed"}, "hitl_history": [], "command_log": []}','"HELLO"','[{"name": "up", "output": "HELLO", "success": true, "attempts": 1, "latency_s": 8.543700096197426e-05, "token_counts": 0, "cost_usd": 0.0, "feedback": null, "branch_context": null, "metadata_": null}, {"name": "again", "output": "HELLO", "success": true, "attempts": 1, "latency_s": 6.527701043523848e-05, "token_counts": 0, "cost_usd": 0.0, "feedback": null, "branch_context": null, "metadata_": null}]','completed','2026-11-21T21:56:18.335325','2026-11-21T21:56:18.335328',0,NULL,NULL,7.62939453125e-05);
INSERT INTO "workflow_state" VALUES('run_bad','unknown','unknown','latest',2,'{"run_id": "run_bad", "initial_prompt": "hello", "scratchpad": {"status": "failed"}, "hitl_history": [], "command_log": []}',NULL,'[{"name": "up", "output": "HELLO", "success": true, "attempts": 1, "latency_s": 6.299400411080569e-05, "token_counts": 0, "cost_usd": 0.0, "feedback": null, "branch_context": null, "metadata_": null}, {"name": "bad", "output": null, "success": false, "attempts": 1, "latency_s": 0.0, "token_counts": 0, "cost_usd": 0.0, "feedback": "no such city: HELLO", "branch_context": null, "metadata_": null}]','failed','2026-11-21T21:56:18.587280','2026-11-21T21:56:18.587284',0,NULL,NULL,7.62939453125e-05);
COMMIT;
