package lguest.dev.starter;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import lguest.dev.UserError;
import org.junit.jupiter.api.Test;

class WishTest {
  @Test void namesBecomeClassesAndNumbers() throws Exception {
    Wish wish = Wish.of("night-lamp2", "org.example.lamps");
    assertEquals("NightLamp2", wish.className());
    assertEquals("org.example", wish.group());
    assertTrue(wish.number() >= 1000 && wish.number() <= 65000);
    assertEquals(wish.number(), Wish.of("night-lamp2", "com.other").number());
  }

  @Test void wrongNamesAreExplained() {
    for (String[] wrong : new String[][] {{"Lamp", "org.example", "cannot be a device's name"}, {"", "org.example", "cannot be a device's name"}, {"../lamp", "org.example", "cannot be"},
      {"lamp-", "org.example", "cannot be"}, {"x".repeat(41), "org.example", "at most 40"}, {"block", "org.example", "is a device type 'block' already".substring(3)},
      {"lamp", "lamp", "single word"}, {"lamp", "org.new.lamp", "cannot be a Java package"}, {"lamp", "org..lamp", "cannot be a Java package"}, {"lamp", "org/lamp", "cannot be a Java package"},
      {"lamp", "java.lamp", "belong to others"}, {"lamp", "lguest.lamp", "belong to others"}}) {
      UserError error = assertThrows(UserError.class, () -> Wish.of(wrong[0], wrong[1]), () -> String.join(" ", wrong));
      assertTrue(error.getMessage().contains(wrong[2]) && error.getMessage().lines().count() == 1, error::getMessage);
    }
  }

  @Test void fillsInAsVelocityDoes() {
    assertEquals("a lamp ${project.basedir} ${unknown}\n", Starter.fill("#set($open = '${')\na ${name} ${open}project.basedir} ${unknown}", Map.of("name", "lamp")));
  }
}
