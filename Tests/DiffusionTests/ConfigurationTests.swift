import Diffusion
import Testing

@Suite struct ConfigurationTests {
    static func configuration(_ text: String) throws -> JSONConfiguration {
        try Array(text.utf8).withUnsafeBytes { try JSONConfiguration(parsing: $0, file: "config.json") }
    }

    @Test func readsASchedulersConfiguration() throws {
        let json = try Self.configuration(
            """
            {"_class_name": "PNDMScheduler", "_diffusers_version": "0.6.0", "beta_end": 0.012, "beta_start": 0.00085,
             "beta_schedule": "scaled_linear", "num_train_timesteps": 1000, "set_alpha_to_one": false,
             "skip_prk_steps": true, "steps_offset": 1, "trained_betas": null, "clip_sample": false,
             "prediction_type": "v_prediction", "lambda_min_clipped": -Infinity, "unknown": [{}], "use_lu_lambdas": true}
            """)
        let configuration = try SchedulerConfiguration(json)
        #expect(configuration.className == "PNDMScheduler")
        #expect(configuration.betaEnd == 0.012)
        #expect(configuration.betaSchedule == .scaledLinear)
        #expect(configuration.prediction == .velocity)
        #expect(configuration.skipsRungeKuttaSteps == true)
        #expect(configuration.trainedBetas == nil)
        #expect(configuration.timestepSpacing == nil)
        #expect(configuration.lambdaMinimumClipped == nil)
        #expect(configuration.unsupported == ["use_lu_lambdas"])
    }

    @Test(arguments: [
        (#"{"beta_start": "0.1"}"#, "'beta_start' should be a number, it is a string"),
        (#"{"num_train_timesteps": 10.5}"#, "'num_train_timesteps' should be a whole number"),
        (#"{"num_train_timesteps": 99999999999}"#, "should be 1–1000000, it is 99999999999"),
        (#"{"num_train_timesteps": 0}"#, "should be 1–1000000, it is 0"),
        (#"{"clip_sample": 1}"#, "'clip_sample' should be a boolean"),
        (#"{"timestep_spacing": "even"}"#, "one of 'leading', 'linspace', 'trailing', it is 'even'"),
        (#"{"trained_betas": [0.1, "a"]}"#, "'trained_betas' should be a list of numbers, it is a string"),
        (#"{"solver_order": 4}"#, "should be 1–3"),
        ("[]", "expected an object, found an array"),
        ("{", "not a JSON object"),
    ])
    func namesTheKeyThatIsWrong(text: String, says: String) throws {
        do {
            _ = try SchedulerConfiguration(Self.configuration(text))
            Issue.record("no error for \(text)")
        } catch let error as ConfigurationError {
            #expect(error.description.contains(says), "\(error)")
            #expect(error.description.hasPrefix("config.json"))
        }
    }

    @Test func readsATokenizersConfiguration() throws {
        let json = try Self.configuration(
            #"{"bos_token": {"content": "<s>", "lstrip": false}, "pad_token": "!", "model_max_length": 1e30}"#)
        let configuration = try TokenizerConfiguration(json)
        #expect(configuration.beginToken == "<s>")
        #expect(configuration.padToken == "!")
        #expect(configuration.windowLength == 77)
        #expect(throws: ConfigurationError.self) {
            try TokenizerConfiguration(Self.configuration(#"{"model_max_length": 2}"#))
        }
    }

    @Test func readsOneNumberOrOneEach() throws {
        let json = try Self.configuration(#"{"a": 2, "b": [1, 2], "c": [1]}"#)
        #expect(try json.integers("a", repeated: 2) == [2, 2])
        #expect(try json.integers("b", repeated: 2) == [1, 2])
        #expect(throws: ConfigurationError.self) { try json.integers("c", repeated: 2) }
        #expect(try json.integers("d", repeated: 2) == nil)
    }

    /// Sizes that would overflow, or layers without end, are refused before anything is computed from them.
    @Test(arguments: [
        #"{"sample_size": 9223372036854775807}"#, #"{"sample_size": 0}"#, #"{"layers_per_block": 1000000}"#,
        #"{"transformer_layers_per_block": 1000000}"#, #"{"reverse_transformer_layers_per_block": 0}"#,
        #"{"cross_attention_dim": -1}"#, #"{"time_cond_proj_dim": -5}"#,
    ])
    func refusesImpossibleNetworks(text: String) throws {
        #expect(throws: NetworkError.self) { try UNetConfiguration(Self.configuration(text)) }
        let channels = String(repeating: "32, ", count: 69) + "32"
        #expect(throws: NetworkError.self) {
            try AutoencoderConfiguration(Self.configuration("{\"block_out_channels\": [\(channels)]}"))
        }
        #expect(throws: NetworkError.self) {
            try AutoencoderConfiguration(Self.configuration(#"{"layers_per_block": 1000000}"#))
        }
        #expect(throws: NetworkError.self) {
            try TextEncoderConfiguration(Self.configuration(#"{"num_hidden_layers": 16000000}"#))
        }
    }

    @Test func readsJSONStrictly() throws {
        #expect(
            try JSONValue(parsing: #" {"a\u00e9\ud83e\udd8a": [1, -2.5e1, true, null, "\n\/"]} "#)
                == .object(["aé🦊": .array([.integer(1), .number(-25), .bool(true), .null, .string("\n/")])]))
        #expect(try JSONValue(parsing: #""\ud800x""#) == .string("\u{FFFD}x"))
        #expect(try JSONValue(parsing: #"{"a":1,"a":2}"#) == .object(["a": .integer(2)]))
        for text in [
            "", "01", "1.", "-", "[1,]", "{,}", "\"a", "\"\t\"", "tru", "{\"a\" 1}", "1 2", "\"\\x\"", "\"\\u12\"", "[",
            "1e",
        ] {
            #expect(throws: JSONValue.SyntaxError.self, "\(text)") { try JSONValue(parsing: text) }
        }
        #expect(throws: JSONValue.SyntaxError.self) { try JSONValue(parsing: String(repeating: "[", count: 200_000)) }
    }
}
