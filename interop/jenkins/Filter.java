import com.jayway.jsonpath.JsonPath;
import com.jayway.jsonpath.PathNotFoundException;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * Decides as Jenkins' Generic Webhook Trigger plugin does whether a request starts a job. The plugin is published for
 * Jenkins only; this is its rule, on the same JSONPath library and Java's own regular expressions.
 *
 * <p>A line of standard input is {"headers", "body", "headerVariables", "variables", "filterText", "filterExpression"},
 * the answer to it is true or false.
 */
class Filter {
  public static void main(String[] args) throws Exception {
    BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    for (String line = in.readLine(); line != null; line = in.readLine()) {
      System.out.println(starts(line));
    }
  }

  static boolean starts(String question) {
    Map<String, String> variables = new HashMap<>();
    Map<String, String> headers = JsonPath.read(question, "$.headers");
    List<String> headerVariables = JsonPath.read(question, "$.headerVariables");
    headers.forEach(
        (header, value) -> {
          String name = header.toLowerCase(Locale.ROOT);
          if (headerVariables.contains(name)) variables.put(name.replaceAll("[\\s-]", "_"), value);
        });
    String body = JsonPath.read(question, "$.body");
    Map<String, String> paths = JsonPath.read(question, "$.variables");
    paths.forEach(
        (name, path) -> {
          try {
            variables.put(name, String.valueOf((Object) JsonPath.read(body, path)));
          } catch (PathNotFoundException absent) {
            variables.put(name, ""); // the default value of a variable
          }
        });
    String text = JsonPath.read(question, "$.filterText");
    // A longer name first, so that $service is not taken for $serv.
    List<String> names =
        variables.keySet().stream().sorted(Comparator.comparing(String::length).reversed()).toList();
    for (String name : names) {
      text = text.replace("$" + name, variables.get(name)).replace("${" + name + "}", variables.get(name));
    }
    String expression = JsonPath.read(question, "$.filterExpression");
    return Pattern.compile(expression).matcher(text).find();
  }
}
